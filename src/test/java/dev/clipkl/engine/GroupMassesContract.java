package dev.clipkl.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every engine must make of a policy's mass on groups of actions. */
public abstract class GroupMassesContract {
  private static final long SEED = 4096L;
  private static final int ROWS = 7;

  /** How far masses may be from adding up to 1, whatever the engine's numbers. */
  private static final double TOTAL_ERROR = 3e-7;

  /** Evaluations after which code is as compiled as it gets. */
  private static final int WARMING = 150;

  /** The engine under test. */
  protected abstract Engine open(int threads);

  /** How far from exact arithmetic this engine may be. */
  protected abstract EngineTolerance tolerance();

  /** How columns are grouped. */
  enum Grouping {
    /** Runs of hundreds of columns, one of them of no group. */
    LONG_RUNS(5, 2777) {
      @Override
      int group(int column) {
        return column < 1000 ? 3 : column < 1017 ? ColumnGroups.NONE : column < 2003 ? 0 : 4;
      }
    },
    /** A group for each column but the last, which has none. */
    SINGLE_COLUMNS(1288, 1289) {
      @Override
      int group(int column) {
        return column < 1288 ? 1287 - column : ColumnGroups.NONE;
      }
    },
    /** Frequent tokens with a class each, scattered among those that share the last one. */
    ONE_LARGE_AMONG_MANY(200, 9001) {
      @Override
      int group(int column) {
        return column % 45 == 7 && column / 45 < 199 ? column / 45 : 199;
      }
    },
    /** Neighbours belong to different groups; every thirteenth column to none. */
    INTERLEAVED(12, 1531) {
      @Override
      int group(int column) {
        return column % 13 - 1;
      }
    },
    /** Many groups of every size from none to dozens of columns. */
    MANY(4096, 20_011) {
      @Override
      int group(int column) {
        int chosen = Math.floorMod(column * 0x9E3779B9, 4096);
        return Math.min(chosen, Math.floorMod(column * 0x85EBCA6B, 4096));
      }
    },
    ALL_IN_ONE(1, 1013) {
      @Override
      int group(int column) {
        return 0;
      }
    },
    ALL_IN_NONE(2, 77) {
      @Override
      int group(int column) {
        return ColumnGroups.NONE;
      }
    },
    ONE_COLUMN(1, 1) {
      @Override
      int group(int column) {
        return 0;
      }
    };

    private final int groups;
    private final int columns;

    Grouping(int groups, int columns) {
      this.groups = groups;
      this.columns = columns;
    }

    abstract int group(int column);

    ColumnGroups make() {
      return new ColumnGroups(groups, IntStream.range(0, columns).map(this::group).toArray());
    }
  }

  private static RowProgram program() {
    return new RowProgram(
        Divergence.parse("reverse-kl"),
        0.3,
        ClippedSurrogate.of(0.2),
        OptimizerKind.NATURAL,
        StepRuleKind.BACKTRACKING,
        1.0,
        2,
        0.0);
  }

  /** Rows from nearly uniform to nearly one action, normalised or far from it. */
  private static RowBlock block(EngineKind kind, int columns) {
    Random random = new Random(SEED);
    double[][] logits = new double[ROWS][];
    double[][] reference = new double[ROWS][];
    double[][] values = new double[ROWS][];
    for (int row = 0; row < ROWS; row++) {
      reference[row] = RowFixture.zipfLogReference(random, columns);
      logits[row] = RowFixture.normal(random, columns, 60.0 * (row - 3), 0.2 + 1.5 * row);
      values[row] = RowFixture.normal(random, columns, 0.5, 0.2);
    }
    return RowFixture.block(kind, program(), logits, reference, values);
  }

  private static double[][] masses(Engine engine, RowBlock block, ColumnGroups groups) {
    // What is not written over would show.
    double[][] masses = new double[ROWS][groups.groups()];
    Arrays.stream(masses).forEach(row -> Arrays.fill(row, Double.NaN));
    evaluate(engine, block, new GroupMasses(groups, masses));
    return masses;
  }

  private static RowResults evaluate(Engine engine, RowBlock block, GroupMasses masses) {
    RowResults results = new RowResults(1, ROWS, program().innerSteps());
    engine.evaluate(block, program(), results, masses);
    return results;
  }

  @ParameterizedTest
  @EnumSource
  void massesByGroupAreTheOracles(Grouping grouping) {
    ColumnGroups groups = grouping.make();
    try (Engine engine = open(2);
        Engine oracle = new ReferenceEngine(1)) {
      double[][] expected = masses(oracle, block(EngineKind.REFERENCE, grouping.columns), groups);
      double[][] actual = masses(engine, block(engine.kind(), grouping.columns), groups);
      for (int row = 0; row < ROWS; row++) {
        assertThat(actual[row])
            .as("%s, row %d, seed %d", grouping, row, SEED)
            .containsExactly(expected[row], within(tolerance().probability()));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void massesAddUpToOneLessWhatIsInNoGroup(Grouping grouping) {
    ColumnGroups groups = grouping.make();
    try (Engine engine = open(1)) {
      RowBlock block = block(engine.kind(), grouping.columns);
      double[][] masses = masses(engine, block, groups);
      for (int row = 0; row < ROWS; row++) {
        double[] policy = RowFixture.softmax(RowFixture.row(block.actor().logits(), row));
        double ungrouped = 0.0;
        for (int a = 0; a < policy.length; a++) {
          ungrouped += groups.group(a) == ColumnGroups.NONE ? policy[a] : 0.0;
        }
        assertThat(Arrays.stream(masses[row]).sum() + ungrouped)
            .as("%s, row %d, seed %d", grouping, row, SEED)
            .isCloseTo(1.0, within(TOTAL_ERROR));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void massesAreTheSameBitsForAnyThreadsAndForARowAlone(Grouping grouping) {
    ColumnGroups groups = grouping.make();
    double[][] expected;
    try (Engine engine = open(1)) {
      expected = masses(engine, block(engine.kind(), grouping.columns), groups);
    }
    try (Engine engine = open(3)) {
      RowBlock block = block(engine.kind(), grouping.columns);
      assertThat(masses(engine, block, groups)).as("3 threads").isDeepEqualTo(expected);
      double[][] alone = new double[ROWS][groups.groups()];
      for (int row = 0; row < ROWS; row++) {
        evaluate(engine, only(block, row), new GroupMasses(groups, alone));
      }
      assertThat(alone).as("one by one").isDeepEqualTo(expected);
    }
  }

  private static RowBlock only(RowBlock block, int row) {
    return new RowBlock(
        block.actor(),
        block.reference(),
        block.actionValues(),
        block.rowWeights(),
        Objects.requireNonNull(block.optima()),
        row,
        row + 1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Grouping.class,
      names = {"LONG_RUNS", "SINGLE_COLUMNS", "INTERLEAVED"})
  void massesAreTheSameBitsOnColdAndOnWarmCode(Grouping grouping) {
    ColumnGroups groups = grouping.make();
    try (Engine engine = open(1)) {
      RowBlock block = block(engine.kind(), grouping.columns);
      double[][] first = masses(engine, block, groups);
      for (int n = 0; n < WARMING; n++) {
        assertThat(Arrays.deepEquals(masses(engine, block, groups), first))
            .as("%s, evaluation %d, seed %d", grouping, n, SEED)
            .isTrue();
      }
    }
  }

  /** Masses are asked for with other groups in between, and of a policy that has moved. */
  @Test
  void massesAreThoseOfTheGroupsAndThePolicyAtHand() {
    ColumnGroups halves = new ColumnGroups(2, IntStream.range(0, 333).map(a -> a % 2).toArray());
    ColumnGroups thirds = new ColumnGroups(3, IntStream.range(0, 333).map(a -> a % 3).toArray());
    try (Engine engine = open(1);
        Engine oracle = new ReferenceEngine(1)) {
      RowBlock block = block(engine.kind(), 333);
      RowBlock exact = block(EngineKind.REFERENCE, 333);
      for (ColumnGroups groups : new ColumnGroups[] {halves, thirds, halves}) {
        double[][] expected = masses(oracle, exact, groups);
        double[][] actual = masses(engine, block, groups);
        for (int row = 0; row < ROWS; row++) {
          assertThat(actual[row])
              .as("row %d, seed %d", row, SEED)
              .containsExactly(expected[row], within(tolerance().probability()));
        }
        RowTable logits = block.actor().logits();
        for (int row = 0; row < ROWS; row++) {
          double[] moved = RowFixture.row(logits, (row + 1) % ROWS);
          logits.writeRow(row, moved);
          exact.actor().logits().writeRow(row, moved);
        }
      }
    }
  }

  @Test
  void metricsAreTheSameBitsWithMassesAndWithout() {
    ColumnGroups groups = Grouping.INTERLEAVED.make();
    try (Engine engine = open(1)) {
      RowBlock block = block(engine.kind(), groups.columns());
      RowResults with =
          evaluate(engine, block, new GroupMasses(groups, new double[ROWS][groups.groups()]));
      RowResults without = new RowResults(1, ROWS, program().innerSteps());
      engine.evaluate(block, program(), without);
      for (RowMetric metric : RowMetric.values()) {
        assertThat(with.latest(metric)).as("%s", metric).isEqualTo(without.latest(metric));
      }
    }
  }
}
