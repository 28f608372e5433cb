package dev.clipkl.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.driver.FakeDriver;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineContract;
import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.EngineTolerance;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine on kernels that run as host code. */
final class CudaEngineTest extends EngineContract {
  private static final long SEED = 510;

  @Override
  protected Engine open(int threads) {
    return openCuda(threads);
  }

  private static CudaEngine openCuda(int threads) {
    return openCuda(new FakeDriver(), threads);
  }

  private static CudaEngine openCuda(FakeDriver device, int threads) {
    return new CudaEngine(CudaProbe.run(device.path()), threads, ScalarOptimumSweeps::new);
  }

  @Override
  protected EngineTolerance tolerance() {
    return EngineTolerance.FLOAT32;
  }

  private static RowProgram program(String divergence, OptimizerKind optimizer) {
    return new RowProgram(
        Divergence.parse(divergence),
        0.2,
        ClippedSurrogate.of(0.2),
        optimizer,
        StepRuleKind.BACKTRACKING,
        1.0,
        3,
        1e-4);
  }

  private static RowBlock block(RowProgram program, int rows, int columns) {
    Random random = new Random(SEED);
    double[][] reference = new double[rows][];
    double[][] values = new double[rows][];
    for (int row = 0; row < rows; row++) {
      reference[row] = RowFixture.zipfLogReference(random, columns);
      // From easy to hard, so that rows need different steps and finish apart.
      values[row] = RowFixture.normal(random, columns, 0.5, 0.02 * (1 + row));
    }
    return RowFixture.block(EngineKind.CUDA, program, reference, reference, values);
  }

  /** Everything that a run has left, to be compared to the bit. */
  private record Outcome(double[][] logits, double[][] metrics, Object[] actor, int[] clipped) {
    static Outcome of(RowBlock block, RowResults results, int iterations) {
      return new Outcome(
          IntStream.range(0, block.actor().states())
              .mapToObj(row -> RowFixture.row(block.actor().logits(), row))
              .toArray(double[][]::new),
          Arrays.stream(RowMetric.values())
              .map(metric -> results.metric(iterations - 1, metric).clone())
              .toArray(double[][]::new),
          new Object[] {
            block.actor().stepSizes().clone(),
            block.actor().momentumSteps().clone(),
            block.actor().finished().clone()
          },
          results.clippedActions(iterations - 1, 0).clone());
    }

    void assertIs(Outcome expected) {
      assertThat(metrics).as("metrics, seed %d", SEED).isDeepEqualTo(expected.metrics);
      assertThat(clipped).isEqualTo(expected.clipped);
      assertThat(Arrays.deepEquals(actor, expected.actor)).as("the optimizer's state").isTrue();
      for (int row = 0; row < logits.length; row++) {
        assertThat(Arrays.equals(logits[row], expected.logits[row]))
            .as("logits of row %d, seed %d", row, SEED)
            .isTrue();
      }
    }
  }

  /** One launch holds them all, several hold some each, or each travels alone. */
  @ParameterizedTest
  @EnumSource(OptimizerKind.class)
  void rowsComeOutTheSameKeptStreamedAndAlone(OptimizerKind optimizer) {
    RowProgram program = program("forward-kl", optimizer);
    int rows = 7;
    RowResults results = new RowResults(4, rows, 3);
    try (CudaEngine engine = openCuda(2)) {
      RowBlock streamed = block(program, rows, 701);
      engine.run(streamed, program, 4, results);
      Outcome expected = Outcome.of(streamed, results, 4);

      RowBlock kept = block(program, rows, 701);
      engine.keep(kept, program);
      double[] before = RowFixture.row(kept.actor().logits(), 3);
      engine.run(kept, program, 4, results);
      assertThat(RowFixture.row(kept.actor().logits(), 3))
          .as("the host's row before fetch")
          .isEqualTo(before);
      engine.fetch(kept);
      Outcome.of(kept, results, 4).assertIs(expected);
      engine.release(kept);

      RowBlock single = block(program, rows, 701);
      for (int row = 0; row < rows; row++) {
        RowBlock one =
            new RowBlock(
                single.actor(),
                single.reference(),
                single.actionValues(),
                single.rowWeights(),
                Objects.requireNonNull(single.optima()),
                row,
                row + 1);
        engine.run(one, program, 4, results);
      }
      Outcome.of(single, results, 4).assertIs(expected);
    }
  }

  /**
   * A device that holds some of the rows, and one that holds all: 8 rows of 60,001 actions are 7.3
   * MiB with their moments.
   */
  @ParameterizedTest
  @ValueSource(longs = {5L << 20, 7L << 20, 1L << 30})
  void rowsComeOutTheSameHoweverManyTheDeviceHolds(long memory) {
    RowProgram program =
        new RowProgram(
            Divergence.parse("reverse-kl"),
            0.2,
            ClippedSurrogate.of(0.2),
            OptimizerKind.GRADIENT,
            StepRuleKind.FIXED,
            1.0,
            1,
            0.0);
    RowBlock block = block(program, 8, 60_001);
    RowResults results = new RowResults(1, 8, 1);
    try (FakeDriver device = new FakeDriver().memory(memory);
        CudaEngine engine = openCuda(device, 1)) {
      engine.keep(block, program);
      engine.run(block, program, 1, results);
      engine.run(block, program, 1, results);
      engine.fetch(block);
      engine.release(block);
    }
    Outcome got = Outcome.of(block, results, 1);
    try (CudaEngine engine = openCuda(1)) {
      RowBlock expected = block(program, 8, 60_001);
      engine.run(expected, program, 1, results);
      engine.run(expected, program, 1, results);
      got.assertIs(Outcome.of(expected, results, 1));
    }
  }

  /**
   * Rows that fit one block, a cluster of blocks, and no chip: shared memory is 227 KiB on 9.0 and
   * 99 KiB on 8.6.
   */
  @ParameterizedTest
  @CsvSource({
    "9.0, 5000, 2, 1, true",
    "9.0, 20000, 2, 2, true",
    "9.0, 70001, 2, 8, true",
    "9.0, 120000, 1, 16, true",
    "9.0, 190000, 1, 1, false",
    "8.6, 4000, 2, 1, true",
    "8.6, 20000, 2, 1, false",
  })
  void longRowsFollowTheOracleWhereverTheyLie(
      String capability, int columns, int rows, int cluster, boolean onChip) {
    RowProgram program = program("reverse-kl", OptimizerKind.NATURAL);
    RowBlock block = block(program, rows, columns);
    RowBlock exact = block(program, rows, columns);
    RowResults results = new RowResults(2, rows, 3);
    RowResults expected = new RowResults(2, rows, 3);
    try (FakeDriver device = new FakeDriver().capability(capability);
        CudaEngine engine = openCuda(device, 2);
        Engine oracle = new ReferenceEngine(2)) {
      LaunchPlan plan = engine.runPlan(block, program, false);
      assertThat(plan.clusterBlocks()).isEqualTo(cluster);
      assertThat(plan.arrays() > 0).isEqualTo(onChip);
      engine.run(block, program, 2, results);
      oracle.run(exact, program, 2, expected);
    }
    for (int row = 0; row < rows; row++) {
      assertThat(RowFixture.softmax(RowFixture.row(block.actor().logits(), row)))
          .containsExactly(
              RowFixture.softmax(RowFixture.row(exact.actor().logits(), row)),
              within(tolerance().probability()));
      assertThat(results.metric(1, RowMetric.GAP)[row])
          .isCloseTo(expected.metric(1, RowMetric.GAP)[row], within(tolerance().value()));
    }
  }

  /** Tables in 16 bits, with normalisers, computed, or one row for all: as if stored in full. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void tablesAreReadAsTheyAreStored(boolean onChip) {
    RowProgram program = program("js", OptimizerKind.PRECONDITIONED);
    int columns = onChip ? 1003 : 5003;
    int rows = 5;
    RowBlock plain = block(program, rows, columns);
    RowTable values = RowTable.broadcast(Arena.ofAuto(), rows, columns);
    values.writeRow(0, RowFixture.row(plain.actionValues(), 2));
    for (RowTable.Precision precision : RowTable.Precision.values()) {
      RowTable stored = RowTable.allocate(Arena.ofAuto(), precision, rows, columns);
      for (int row = 0; row < rows; row++) {
        double[] reference = RowFixture.row(plain.reference(), row);
        stored.writeRow(row, Arrays.stream(reference).map(x -> x + 2.5).toArray());
        if (precision != RowTable.Precision.FLOAT64) {
          stored.setLogNormalizer(row, 2.5);
        }
      }
      RowTable computed = RowTable.computed(rows, columns, stored::readRow);
      RowTable copied = RowTable.allocate(Arena.ofAuto(), rows, columns);
      RowTable fullValues = RowTable.allocate(Arena.ofAuto(), rows, columns);
      float[] row = new float[columns];
      for (int r = 0; r < rows; r++) {
        stored.readRow(r, row);
        copied.writeRow(r, row);
        values.readRow(r, row);
        fullValues.writeRow(r, row);
      }
      try (FakeDriver device = new FakeDriver().capability("8.6");
          CudaEngine engine = openCuda(device, 1)) {
        assertThat(engine.runPlan(plain, program, false).arrays() > 0).isEqualTo(onChip);
        Outcome expected = trained(engine, program, copied, fullValues);
        trained(engine, program, stored, values).assertIs(expected);
        trained(engine, program, computed, fullValues).assertIs(expected);
        trained(engine, program, copied, values).assertIs(expected);
      }
    }
  }

  private static Outcome trained(
      CudaEngine engine, RowProgram program, RowTable reference, RowTable values) {
    RowTable start = RowTable.computed(reference.rows(), reference.columns(), reference::readRow);
    RowBlock block = RowFixture.block(EngineKind.CUDA, program, start, reference, values);
    RowResults results = new RowResults(2, (int) reference.rows(), 3);
    engine.evaluate(block, program, results);
    double[] first = results.latest(RowMetric.VALUE).clone();
    engine.run(block, program, 2, results);
    assertThat(results.latest(RowMetric.VALUE)).isNotEqualTo(first);
    return Outcome.of(block, results, 2);
  }

  /** A launch of one step has kernels and a shape of its own. */
  @ParameterizedTest
  @CsvSource({
    "reverse-kl, GRADIENT, 3000, 1",
    "reverse-kl, NATURAL, 30003, 4",
    "forward-kl, PRECONDITIONED, 30003, 4",
    "forward-kl, NATURAL, 3000, 1",
    "js, NEWTON, 3000, 1",
    "reverse-kl, NATURAL, 290000, 16",
  })
  void oneStepThatNobodyMeasuresFollowsTheOracle(
      String divergence, OptimizerKind optimizer, int columns, int cluster) {
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
    RowBlock block = block(program, 1, columns);
    RowBlock exact = block(program, 1, columns);
    try (CudaEngine engine = openCuda(1);
        Engine oracle = new ReferenceEngine(1)) {
      assertThat(engine.runPlan(block, program, true).clusterBlocks()).isEqualTo(cluster);
      engine.run(block, program, 1, null);
      oracle.run(exact, program, 1, null);
    }
    assertThat(RowFixture.softmax(RowFixture.row(block.actor().logits(), 0)))
        .containsExactly(
            RowFixture.softmax(RowFixture.row(exact.actor().logits(), 0)),
            within(tolerance().probability()));
    assertThat(RowFixture.row(block.actor().logits(), 0))
        .isNotEqualTo(RowFixture.row(block.reference(), 0));
  }

  @Test
  void gradientsOfAKeptBlockAreThoseOfItsLatestPolicy() {
    RowProgram program = program("reverse-kl", OptimizerKind.NATURAL);
    RowTable kept = RowTable.allocate(Arena.ofAuto(), 3, 501);
    RowTable expected = RowTable.allocate(Arena.ofAuto(), 3, 501);
    RowResults results = new RowResults(2, 3, 3);
    try (CudaEngine engine = openCuda(1)) {
      RowBlock block = block(program, 3, 501);
      engine.keep(block, program);
      engine.run(block, program, 2, results);
      engine.gradient(block, program, kept);
      engine.run(block, program, 2, results);
      engine.fetch(block);
      RowBlock other = block(program, 3, 501);
      assertThatThrownBy(() -> engine.evaluate(other, program, results))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("another block is kept");
      engine.release(block);
      engine.run(other, program, 2, results);
      engine.gradient(other, program, expected);
      for (int row = 0; row < 3; row++) {
        assertThat(RowFixture.row(kept, row)).isEqualTo(RowFixture.row(expected, row));
      }
    }
  }

  @Test
  void failureInACallEndsTheCallAndNotTheEngine() {
    RowProgram program = program("reverse-kl", OptimizerKind.NATURAL);
    try (CudaEngine engine = openCuda(1)) {
      RowBlock block = block(program, 6, 301);
      RowResults tooSmall = new RowResults(1, 2, 3);
      assertThatThrownBy(() -> engine.run(block, program, 1, tooSmall))
          .isInstanceOf(IndexOutOfBoundsException.class);
      RowResults results = new RowResults(1, 6, 3);
      engine.run(block(program, 6, 301), program, 1, results);
      assertThat(results.latest(RowMetric.STEPS_TAKEN)).containsOnly(3.0);
    }
  }

  @Test
  void tooSmallADeviceIsOneLineWithTheLargestNumberOfRows() {
    RowProgram program = program("reverse-kl", OptimizerKind.NATURAL);
    RowTable table = RowTable.computed(3, 1 << 20, (row, destination) -> {});
    try (FakeDriver device = new FakeDriver().memory(20L << 20);
        Arena arena = Arena.ofConfined();
        CudaEngine engine = openCuda(device, 1)) {
      double[] weights = {1.0, 1.0, 1.0};
      RowBlock block =
          new RowBlock(
              ActorState.allocate(
                  arena, RowTable.Precision.FLOAT32, 3, 1 << 20, OptimizerKind.NATURAL),
              table,
              table,
              weights,
              new RowOptimum[3],
              0,
              3);
      assertThatThrownBy(() -> engine.keep(block, program))
          .isInstanceOf(EnvironmentException.class)
          .hasMessageContaining("a row of 1048576 actions needs 12.0 MiB of device memory")
          .hasMessageContaining("the largest N that fits is 1")
          .satisfies(e -> assertThat(e.getMessage()).hasLineCount(1));
    }
  }

  @Test
  void errorOfTheDriverNamesItsFunction() {
    RowProgram program = program("reverse-kl", OptimizerKind.NATURAL);
    RowBlock block = block(program, 2, 301);
    try (CudaEngine engine = openCuda(1);
        FakeDriver failing = new FakeDriver().failing("cuLaunchKernel:719");
        // Any initialisation makes the library read its environment again.
        CudaProbe refused = CudaProbe.run(failing.path())) {
      assertThat(refused.isUsable()).isFalse();
      assertThatThrownBy(() -> engine.run(block, program, 1, null))
          .isInstanceOf(EnvironmentException.class)
          .hasMessage(
              "the NVIDIA driver: cuLaunchKernel: CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure)");
    }
  }
}
