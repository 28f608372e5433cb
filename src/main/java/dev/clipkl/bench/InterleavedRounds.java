package dev.clipkl.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;

/**
 * Measures several things by turns, one sample of each a round, so that a machine that grows slower
 * or faster on the way does so for all of them.
 *
 * @param leastRounds measured rounds at the least, however long they take
 * @param seconds the time after which no round is begun; a third of it, at most, is warm-up
 */
public record InterleavedRounds(int leastRounds, double seconds) {
  /**
   * Rounds after which code is as compiled as it will be, or the time is better spent measuring.
   */
  private static final int MOST_WARM_UP_ROUNDS = 12;

  /** Two rounds that agree this well end the warm-up: compiled code is several times faster. */
  private static final double STABLE = 0.05;

  /** What the rounds gave, and how many went before. */
  public record Outcome(List<Spread> spreads, int warmUpRounds) {}

  public InterleavedRounds {
    if (leastRounds < 1 || !(seconds >= 0.0)) {
      throw new IllegalArgumentException(
          "rounds must be at least 1 and seconds at least 0, got %d and %s"
              .formatted(leastRounds, seconds));
    }
  }

  /** Warms up, measures, and gives each sampler's spread in the order of the samplers. */
  public Outcome measure(List<? extends DoubleSupplier> samplers) {
    long start = System.nanoTime();
    double[] before = round(samplers);
    int warmUpRounds = 1;
    boolean stable = false;
    while (!stable && warmUpRounds < MOST_WARM_UP_ROUNDS && secondsSince(start) < seconds / 3.0) {
      double[] now = round(samplers);
      stable = agree(before, now);
      before = now;
      warmUpRounds++;
    }
    List<double[]> rounds = new ArrayList<>();
    while (rounds.size() < leastRounds || secondsSince(start) < seconds) {
      rounds.add(round(samplers));
    }
    List<Spread> spreads = new ArrayList<>();
    for (int s = 0; s < samplers.size(); s++) {
      int sampler = s;
      spreads.add(Spread.of(rounds.stream().mapToDouble(round -> round[sampler]).toArray()));
    }
    return new Outcome(spreads, warmUpRounds);
  }

  private static double[] round(List<? extends DoubleSupplier> samplers) {
    return samplers.stream().mapToDouble(DoubleSupplier::getAsDouble).toArray();
  }

  private static boolean agree(double[] before, double[] now) {
    // The median of all: one disturbed sample should not prolong the warm-up of everybody.
    double[] changes = new double[now.length];
    Arrays.setAll(changes, i -> Math.abs(now[i] / before[i] - 1.0));
    return Spread.of(changes).median() <= STABLE;
  }

  private static double secondsSince(long start) {
    return (System.nanoTime() - start) * 1e-9;
  }
}
