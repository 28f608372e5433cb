package dev.clipkl.exact;

import dev.clipkl.engine.RowFixture;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A row that has made solvers stumble.
 *
 * @param logReference log q, {@code [actions]}
 * @param actionValues {@code [actions]}
 */
record OptimumSituation(String name, double[] logReference, double[] actionValues) {
  private static final long SEED = 71L;

  static Stream<OptimumSituation> all() {
    return Stream.of(
        new OptimumSituation("one action", RowFixture.log(1.0), new double[] {0.3}),
        new OptimumSituation("two actions", RowFixture.log(0.25, 0.75), new double[] {0.9, -0.1}),
        zipf("Zipf, normal rewards", 203, (random, a) -> 0.5 + 0.2 * random.nextGaussian()),
        zipf("rewards with ties", 101, (random, a) -> 0.5 * random.nextInt(3)),
        zipf("all rewards equal", 67, (random, a) -> -7.25),
        zipf("one reward far above", 101, (random, a) -> a == 51 ? 50.0 : random.nextDouble()),
        zipf("huge span", 67, (random, a) -> 1e4 * random.nextDouble() - 3e3),
        extremeReference());
  }

  private interface Reward {
    double of(Random random, int action);
  }

  private static OptimumSituation zipf(String name, int count, Reward reward) {
    Random random = new Random(SEED);
    return new OptimumSituation(
        name + ", seed " + SEED,
        RowFixture.zipfLogReference(random, count),
        IntStream.range(0, count).mapToDouble(a -> reward.of(random, a)).toArray());
  }

  /** The better an action, the rarer, down to log q = -80. */
  private static OptimumSituation extremeReference() {
    double[] logReference =
        RowFixture.logSoftmax(IntStream.range(0, 81).mapToDouble(a -> -1.0 * a).toArray());
    double[] values = Arrays.stream(logReference).map(x -> -0.01 * x).toArray();
    return new OptimumSituation("log q down to -80", logReference, values);
  }

  @Override
  public String toString() {
    return name;
  }
}
