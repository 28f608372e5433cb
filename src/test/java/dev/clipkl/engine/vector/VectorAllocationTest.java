package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Vectors must stay in registers: one on the heap costs as much as ten in the processor. */
final class VectorAllocationTest {
  private static final int COLUMNS = 20_011;
  private static final int OUTER_ITERATIONS = 20;

  /** How long the compiler may take. */
  private static final Duration MOST_WARM_UP = Duration.ofSeconds(60);

  /** One vector per 16 actions on the heap, in one sweep of an inner step, would be 120 kB. */
  private static final long ALLOWED_BYTES_PER_STEP = 12_000;

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void warmRowProgramsAllocateNoVectors(Divergence divergence) {
    RowProgram program =
        new RowProgram(
            divergence,
            0.2,
            ClippedSurrogate.of(0.2),
            OptimizerKind.recommendedFor(divergence),
            StepRuleKind.BACKTRACKING,
            1.0,
            2,
            0.0);
    Random random = new Random(17L);
    double[][] reference = {RowFixture.zipfLogReference(random, COLUMNS)};
    double[][] values = {RowFixture.normal(random, COLUMNS, 0.5, 0.2)};
    try (VectorEngine engine = new VectorEngine(1)) {
      RowResults results = new RowResults(OUTER_ITERATIONS, 1, 2);
      long least = Long.MAX_VALUE;
      long deadline = System.nanoTime() + MOST_WARM_UP.toNanos();
      while (least >= ALLOWED_BYTES_PER_STEP && System.nanoTime() < deadline) {
        RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
        long before = allocatedBytes();
        engine.run(block, program, OUTER_ITERATIONS, results);
        least = Math.min(least, (allocatedBytes() - before) / (2L * OUTER_ITERATIONS));
      }
      assertThat(least)
          .as("bytes per inner step, %s", divergence.name())
          .isLessThan(ALLOWED_BYTES_PER_STEP);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "reverse-kl, GRADIENT",
    "reverse-kl, NATURAL",
    "forward-kl, GRADIENT",
    "forward-kl, PRECONDITIONED"
  })
  void warmStreamedStepsAllocateNoVectors(String divergence, OptimizerKind optimizer) {
    RowProgram program =
        new RowProgram(
            Divergence.parse(divergence),
            0.2,
            ClippedSurrogate.of(0.2),
            optimizer,
            StepRuleKind.FIXED,
            0.1,
            1,
            0.0);
    Random random = new Random(18L);
    double[][] reference = {RowFixture.zipfLogReference(random, COLUMNS)};
    double[][] values = {RowFixture.normal(random, COLUMNS, 0.5, 0.2)};
    try (VectorEngine engine = new VectorEngine(1)) {
      RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
      long least = Long.MAX_VALUE;
      long deadline = System.nanoTime() + MOST_WARM_UP.toNanos();
      while (least >= ALLOWED_BYTES_PER_STEP && System.nanoTime() < deadline) {
        long before = allocatedBytes();
        engine.run(block, program, 1, null);
        least = Math.min(least, allocatedBytes() - before);
      }
      assertThat(least).as("bytes per step").isLessThan(ALLOWED_BYTES_PER_STEP);
    }
  }

  private static long allocatedBytes() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getTotalThreadAllocatedBytes();
  }
}
