package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Vectors must stay in registers, as {@link VectorAllocationTest} says of row programs. */
final class OptimumAllocationTest {
  private static final int COLUMNS = 20_011;
  private static final int ROUNDS = 400;

  /**
   * Nanoseconds until the compiler must have caught up: after other tests it first throws away what
   * it had compiled for fewer divergences, and its queue may be long.
   */
  private static final long LONGEST_WARM_UP = 20_000_000_000L;

  /** One vector per 4 actions on the heap would be 200 kB. */
  private static final long ALLOWED_BYTES = 20_000;

  static Stream<Divergence> divergences() {
    return Stream.concat(RowFixture.divergences(), Stream.of(Divergence.parse("alpha(0.3)")));
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void warmSweepsAllocateNoVectors(Divergence divergence) {
    Random random = new Random(19L);
    double[] reference = RowFixture.zipfLogReference(random, COLUMNS);
    double[] values = RowFixture.normal(random, COLUMNS, 0.5, 0.2);
    OptimumSweeps sweeps = new VectorOptimumSweeps(divergence, 0.5, COLUMNS);
    boolean hasSupremum = divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
    long least = Long.MAX_VALUE;
    double sum = 0.0;
    long deadline = System.nanoTime() + LONGEST_WARM_UP;
    for (int i = 0; i < ROUNDS || (least >= ALLOWED_BYTES && System.nanoTime() < deadline); i++) {
      long before = allocatedBytes();
      sweeps.load(reference, values);
      sum += hasSupremum ? sweeps.loneActionOffset() : 0.0;
      sum += sweeps.measure(hasSupremum ? 0.3 : -0.3).mass();
      sum += sweeps.certify(hasSupremum ? 0.3 : -0.3).mass();
      least = Math.min(least, allocatedBytes() - before);
    }
    assertThat(sum).isFinite();
    assertThat(least).as("bytes per row, %s", divergence.name()).isLessThan(ALLOWED_BYTES);
  }

  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
  }
}
