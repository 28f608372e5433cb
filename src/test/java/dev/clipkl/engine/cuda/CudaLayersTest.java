package dev.clipkl.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.driver.FakeDriver;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Rows in layers that meet: kept, streamed or alone, as if they were stored in full. */
final class CudaLayersTest {
  private static final long SEED = 516;
  private static final int BASE_ROWS = 4;

  /** How the rows of a call reach the kernels. */
  private enum Way {
    STORED,
    STREAMED,
    ALONE,
    KEPT
  }

  /** How the base rows of rewards and reference are stored. */
  enum Storage {
    FLOAT32,
    BFLOAT16,
    ONE_ROW,
    FLOAT64
  }

  /**
   * A sequence's blocks: the same actor and reference, different numbers that rows share.
   *
   * @param shared of the first block; those of the second stay
   */
  @SuppressWarnings("ArrayRecordComponent") // To be changed, never compared.
  private record Blocks(RowBlock now, RowBlock best, double[][] shared) {}

  private static RowProgram program() {
    return new RowProgram(
        Divergence.parse("forward-kl"),
        0.2,
        ClippedSurrogate.of(0.2),
        OptimizerKind.PRECONDITIONED,
        StepRuleKind.BACKTRACKING,
        1.0,
        2,
        0.0);
  }

  private static double[][] shared(Random random, int layers, int columns) {
    // Numbers that float32 would round before they are added.
    return IntStream.range(0, layers)
        .mapToObj(layer -> random.doubles(columns, -1.0, 1.0).toArray())
        .toArray(double[][]::new);
  }

  private static Blocks blocks(Way way, Storage storage, int layers, int columns) {
    Random random = new Random(SEED);
    RowTable reference = RowTable.layered(base(random, Storage.BFLOAT16, columns, true), layers);
    RowTable rewards = base(random, storage, columns, false);
    double[][] shared = shared(random, layers, columns);
    RowTable values = RowTable.layered(rewards, shared);
    RowTable best = RowTable.layered(rewards, shared(random, layers, columns));
    int states = layers * BASE_ROWS;
    ActorState actor =
        ActorState.allocate(
            Arena.ofAuto(), RowTable.Precision.FLOAT32, states, columns, program().optimizer());
    RowOptimumSolver solver = new RowOptimumSolver(program().divergence(), program().lambda());
    RowOptimum[] optima = new RowOptimum[states];
    for (int s = 0; s < states; s++) {
      actor.logits().writeRow(s, RowFixture.row(reference, s));
      optima[s] = solver.solve(RowFixture.row(reference, s), RowFixture.row(best, s));
    }
    double[] weights = IntStream.range(0, states).mapToDouble(s -> 0.5 + 0.1 * s).toArray();
    boolean isStored = way == Way.STORED;
    return new Blocks(
        block(
            actor,
            isStored ? copy(reference) : reference,
            isStored ? copyOnRead(values) : values,
            weights,
            optima),
        block(
            actor,
            isStored ? copy(reference) : reference,
            isStored ? copy(best) : best,
            weights,
            optima),
        shared);
  }

  private static RowBlock block(
      ActorState actor,
      RowTable reference,
      RowTable values,
      double[] weights,
      RowOptimum[] optima) {
    return new RowBlock(actor, reference, values, weights, optima, 0, actor.states());
  }

  private static RowTable base(Random random, Storage storage, int columns, boolean normalized) {
    RowTable.Precision precision =
        storage == Storage.ONE_ROW
            ? RowTable.Precision.FLOAT32
            : RowTable.Precision.valueOf(storage.name());
    RowTable table =
        storage == Storage.ONE_ROW
            ? RowTable.broadcast(Arena.ofAuto(), BASE_ROWS, columns)
            : RowTable.allocate(Arena.ofAuto(), precision, BASE_ROWS, columns);
    for (int row = 0; row < (storage == Storage.ONE_ROW ? 1 : BASE_ROWS); row++) {
      table.writeRow(
          row,
          normalized
              ? RowFixture.zipfLogReference(random, columns)
              : random.doubles(columns).toArray());
      if (normalized) {
        table.setLogNormalizer(row, 0.25 * row);
      }
    }
    return table;
  }

  /** A float32 table with the same rows. */
  private static RowTable copy(RowTable table) {
    RowTable copy = RowTable.allocate(Arena.ofAuto(), table.rows(), table.columns());
    float[] row = new float[table.columns()];
    for (int s = 0; s < table.rows(); s++) {
      table.readRow(s, row);
      copy.writeRow(s, row);
    }
    return copy;
  }

  /** The same of a table that changes: rows come as the host computes them. */
  private static RowTable copyOnRead(RowTable table) {
    return RowTable.computed(table.rows(), table.columns(), table::readRow);
  }

  /** Everything that calls have left. */
  private record Outcome(double[][] logits, double[][] masses, double[][] metrics) {
    void assertIs(Outcome expected, String what) {
      assertThat(metrics).as("metrics, %s, seed %d", what, SEED).isDeepEqualTo(expected.metrics);
      assertThat(masses).as("masses, %s, seed %d", what, SEED).isDeepEqualTo(expected.masses);
      assertThat(Arrays.deepEquals(logits, expected.logits))
          .as("logits, %s, seed %d", what, SEED)
          .isTrue();
    }
  }

  private static CudaEngine open(FakeDriver device) {
    return new CudaEngine(CudaProbe.run(device.path()), 1, ScalarOptimumSweeps::new);
  }

  /** Three outer iterations, each followed by an evaluation and other shared numbers. */
  private static Outcome iterate(CudaEngine engine, Way way, Blocks blocks) {
    RowBlock block = blocks.now;
    int states = block.actor().states();
    int columns = block.columns();
    ColumnGroups groups =
        new ColumnGroups(
            BASE_ROWS, IntStream.range(0, columns).map(a -> a % 7 == 6 ? -1 : a % 4).toArray());
    GroupMasses masses = new GroupMasses(groups, new double[states][BASE_ROWS]);
    RowResults results = new RowResults(1, states, program().innerSteps());
    if (way == Way.KEPT) {
      engine.keep(block, program());
    }
    double[][] metrics = new double[2 * RowMetric.COUNT][];
    for (int n = 0; n < 3; n++) {
      int step = way == Way.ALONE ? 1 : states;
      for (int row = 0; row < states; row += step) {
        engine.run(part(block, row, row + step), program(), 1, results);
      }
      for (RowMetric metric : RowMetric.values()) {
        metrics[metric.ordinal()] = results.metric(0, metric).clone();
      }
      for (int row = 0; row < states; row += step) {
        engine.evaluate(part(blocks.best, row, row + step), program(), results, masses);
      }
      for (double[] layer : blocks.shared) {
        for (int a = 0; a < columns; a++) {
          layer[a] = 0.9 * layer[a] + 0.1 * masses.masses()[a % states][a % BASE_ROWS];
        }
      }
    }
    for (RowMetric metric : RowMetric.values()) {
      metrics[RowMetric.COUNT + metric.ordinal()] = results.latest(metric).clone();
    }
    engine.fetch(block);
    engine.release(block);
    double[][] logits =
        IntStream.range(0, states)
            .mapToObj(row -> RowFixture.row(block.actor().logits(), row))
            .toArray(double[][]::new);
    return new Outcome(logits, masses.masses(), metrics);
  }

  private static RowBlock part(RowBlock block, int firstRow, int endRow) {
    return new RowBlock(
        block.actor(),
        block.reference(),
        block.actionValues(),
        block.rowWeights(),
        Objects.requireNonNull(block.optima()),
        firstRow,
        endRow);
  }

  /** Shared memory is 227 KiB on 9.0, where rows of 30,003 take a cluster, and 99 KiB on 8.6. */
  @ParameterizedTest
  @CsvSource({
    "9.0, FLOAT32, 1, 1001",
    "9.0, FLOAT32, 3, 1001",
    "9.0, BFLOAT16, 2, 501",
    "9.0, ONE_ROW, 3, 501",
    "9.0, FLOAT64, 2, 501",
    "9.0, FLOAT32, 2, 30003",
    "8.6, BFLOAT16, 2, 5003",
    "8.6, ONE_ROW, 1, 5003",
  })
  void rowsComeOutTheSameKeptStreamedAloneAndStored(
      String capability, Storage storage, int layers, int columns) {
    try (FakeDriver device = new FakeDriver().capability(capability);
        CudaEngine engine = open(device)) {
      Outcome expected = iterate(engine, Way.STORED, blocks(Way.STORED, storage, layers, columns));
      for (Way way : new Way[] {Way.STREAMED, Way.ALONE, Way.KEPT}) {
        iterate(engine, way, blocks(way, storage, layers, columns))
            .assertIs(expected, way.toString());
      }
      assertThat(expected.metrics[RowMetric.STEPS_TAKEN.ordinal()]).containsOnly(2.0);
    }
  }

  /** 8 rows of 60,001 actions: 3.3 MiB with their base rows, 0.9 of shared ones, 3.7 of scratch. */
  @Test
  void rowsComeOutTheSameHoweverManyTheDeviceHolds() {
    Outcome expected;
    try (FakeDriver device = new FakeDriver();
        CudaEngine engine = open(device)) {
      expected = iterate(engine, Way.KEPT, blocks(Way.KEPT, Storage.FLOAT32, 2, 60_001));
    }
    try (FakeDriver device = new FakeDriver().memory(8L << 20);
        CudaEngine engine = open(device)) {
      Blocks blocks = blocks(Way.KEPT, Storage.FLOAT32, 2, 60_001);
      engine.keep(blocks.now, program());
      assertThat(engine.residentRows()).isBetween(1, 7);
      iterate(engine, Way.KEPT, blocks).assertIs(expected, "a small device");
    }
  }

  @Test
  void keptRowsStayOnTheDeviceUntilTheyAreFetched() {
    try (FakeDriver device = new FakeDriver();
        CudaEngine engine = open(device)) {
      Blocks blocks = blocks(Way.KEPT, Storage.FLOAT32, 2, 333);
      RowTable logits = blocks.now.actor().logits();
      double[] before = RowFixture.row(logits, 5);
      RowResults results = new RowResults(1, 2 * BASE_ROWS, 2);
      engine.keep(blocks.now, program());
      assertThat(engine.residentRows()).isEqualTo(2 * BASE_ROWS);
      engine.run(blocks.now, program(), 1, results);
      engine.evaluate(blocks.best, program(), results);
      assertThat(RowFixture.row(logits, 5)).isEqualTo(before);
      // The same actor with rewards of its own is another block.
      RowBlock other =
          block(
              blocks.now.actor(),
              blocks.now.reference(),
              copy(blocks.now.actionValues()),
              blocks.now.rowWeights(),
              Objects.requireNonNull(blocks.now.optima()));
      assertThatThrownBy(() -> engine.evaluate(other, program(), results))
          .hasMessageContaining("another block is kept");
      engine.fetch(blocks.best);
      assertThat(RowFixture.row(logits, 5)).isNotEqualTo(before);
    }
  }

  /** What rows share could not change there, so that they travel. */
  @Test
  void rowsOverRewardsInFloat64AreNotKept() {
    try (FakeDriver device = new FakeDriver();
        CudaEngine engine = open(device)) {
      Blocks blocks = blocks(Way.KEPT, Storage.FLOAT64, 2, 333);
      engine.keep(blocks.now, program());
      assertThat(engine.residentRows()).isZero();
    }
  }
}
