package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Visits of one step without metrics stream through memory with numbers carried from visit to
 * visit, and leave the bits that longer visits leave, which measure the row anew in scratch memory.
 */
final class StreamedStepTest {
  private static final int ROWS = 3;
  private static final long SEED = 61L;

  static Stream<Arguments> programs() {
    return Stream.of(1, 15, 16, 1023, 1024, 1040, 3001)
        .flatMap(columns ->
            Stream.of(
                    program("reverse-kl", OptimizerKind.GRADIENT, 0.7, Double.NaN),
                    program("reverse-kl", OptimizerKind.NATURAL, 0.3, Double.NaN),
                    program("forward-kl", OptimizerKind.GRADIENT, 2.0, 1.0),
                    program("forward-kl", OptimizerKind.PRECONDITIONED, 0.3, Double.NaN))
                .map(program -> Arguments.of(program, columns)));
  }

  private static RowProgram program(
      String divergence, OptimizerKind optimizer, double stepSize, double smoothness) {
    return program(divergence, 0.2, optimizer, stepSize, smoothness);
  }

  private static RowProgram program(
      String divergence,
      double lambda,
      OptimizerKind optimizer,
      double stepSize,
      double smoothness) {
    return new RowProgram(
        Divergence.parse(divergence),
        lambda,
        ClippedSurrogate.of(0.2),
        optimizer,
        StepRuleKind.FIXED,
        stepSize,
        1,
        0.0,
        smoothness);
  }

  @ParameterizedTest
  @MethodSource("programs")
  void carriedVisitsLeaveTheBitsOfFreshOnes(RowProgram program, int columns) {
    try (Pair pair = new Pair(program, columns)) {
      for (int n = 0; n < 3; n++) {
        pair.visit("pair of outer iterations " + n);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("programs")
  void engineThatKnowsNothingGoesOnWithTheSameBits(RowProgram program, int columns) {
    try (Pair pair = new Pair(program, columns)) {
      pair.visit("before");
      try (Engine fresh = new VectorEngine(1)) {
        fresh.run(pair.streamed, program, 1, null);
      }
      try (Engine fresh = new VectorEngine(1)) {
        fresh.run(pair.streamed, program, 1, null);
      }
      pair.measuring.run(pair.measured, program, 2, null);
      pair.compare("other engines");
      pair.visit("the first engine again");
    }
  }

  /** Whoever writes a table, the next visit starts from what is there. */
  @Test
  void tablesMayChangeBetweenVisits() {
    RowProgram program = program("reverse-kl", OptimizerKind.GRADIENT, 0.7, 1.0);
    int columns = 1500;
    Random random = new Random(SEED);
    double[] logits = RowFixture.normal(random, columns, -7.0, 1.0);
    double[] values = RowFixture.normal(random, columns, 0.0, 1.0);
    double[] reference = RowFixture.zipfLogReference(random, columns);
    try (Pair pair = new Pair(program, columns)) {
      pair.visit("before");
      pair.change(block -> block.actor().logits().writeRow(1, logits), "logits");
      pair.change(block -> block.actionValues().writeRow(1, values), "action values");
      pair.change(block -> block.reference().writeRow(1, reference), "reference");
      pair.change(block -> copyRow(block.actor().logits(), 0, 2), "logits as stored");
      pair.change(block -> block.reference().setLogNormalizer(1, 0.25), "normalised reference");
      pair.change(block -> block.actor().momentumSteps()[0] = 0, "lost digits forgotten");
      pair.change(
          block -> {
            try (Engine other = new VectorEngine(1)) {
              other.run(block, program, 3, null);
            }
          },
          "another engine");
    }
  }

  private static void copyRow(RowTable table, int from, int to) {
    MemorySegment stored = Arena.ofAuto().allocate(4L * table.columns());
    table.readStored(from, stored);
    table.writeStored(to, stored);
  }

  @Test
  void objectiveMayChangeBetweenVisits() {
    try (Pair pair = new Pair(program("reverse-kl", OptimizerKind.GRADIENT, 0.7, 1.0), 1500)) {
      pair.visit("before");
      pair.program = program("reverse-kl", 0.05, OptimizerKind.GRADIENT, 0.7, 1.0);
      pair.visit("another lambda");
      pair.program = program("forward-kl", 0.05, OptimizerKind.GRADIENT, 0.7, 1.0);
      pair.visit("another divergence");
    }
  }

  /** What all rows share is added as they are read, and may change unseen. */
  @Test
  void sharedActionValuesMayChangeBetweenVisits() {
    int columns = 1100;
    double[] shared = RowFixture.normal(new Random(SEED), columns, 0.0, 1.0);
    RowProgram program = program("reverse-kl", OptimizerKind.NATURAL, 0.3, 1.0);
    try (Pair pair = new Pair(program, columns)) {
      double[][] layer = {shared.clone()};
      pair.streamed = withShared(pair.streamed, layer);
      pair.measured = withShared(pair.measured, layer);
      pair.visit("before");
      for (int a = 0; a < columns; a++) {
        layer[0][a] -= shared[columns - 1 - a];
      }
      pair.visit("changed");
    }
  }

  private static RowBlock withShared(RowBlock block, double[][] shared) {
    return new RowBlock(
        block.actor(),
        block.reference(),
        RowTable.layered(block.actionValues(), shared),
        block.rowWeights(),
        Objects.requireNonNull(block.optima()),
        0,
        ROWS);
  }

  /** Beyond 2^-30 .. 2^30 masses take an offset of their exponent. */
  @ParameterizedTest
  @ValueSource(doubles = {-90.0, -22.0, -20.0, 20.0, 22.0, 90.0})
  void normaliserMayBeAnywhere(double shift) {
    RowProgram program = program("forward-kl", OptimizerKind.PRECONDITIONED, 0.3, 1.0);
    try (Pair pair = new Pair(program, 1500)) {
      pair.visit("before");
      pair.change(block -> shift(block.actor().logits(), shift), "shifted");
      pair.visit("once more");
      pair.change(block -> shift(block.actor().logits(), -shift), "shifted back");
    }
  }

  private static void shift(RowTable logits, double by) {
    double[] row = RowFixture.row(logits, 1);
    logits.writeRow(1, Arrays.stream(row).map(x -> x + by).toArray());
  }

  /** With lambda 0.001 a natural step of 1 takes the normaliser beyond e^100. */
  @Test
  void stepMayLeaveTheRangeOfNormalisers() {
    RowProgram program = program("reverse-kl", 0.001, OptimizerKind.NATURAL, 1.0, 1.0);
    try (Pair pair = new Pair(program, 1500)) {
      for (int n = 0; n < 3; n++) {
        pair.visit("pair of outer iterations " + n);
      }
    }
  }

  /** Half a step takes the padding of this row from e^-1048576 to 1, if it is moved at all. */
  @Test
  void paddingTakesNoPart() {
    RowProgram program = program("reverse-kl", 0x1p-23, OptimizerKind.NATURAL, 0.5, 1.0);
    int columns = 12;
    double[] values = new double[columns];
    Arrays.fill(values, -0.25);
    try (Pair pair = new Pair(program, columns)) {
      pair.change(
          block -> {
            for (int row = 0; row < ROWS; row++) {
              block.actor().logits().writeRow(row, RowFixture.row(block.reference(), row));
              block.actionValues().writeRow(row, values);
            }
          },
          "at the reference");
    }
  }

  /** If this fails, every visit measures its row anew. */
  @Test
  void visitBeginsWithTheNumbersOfTheOneBefore() {
    RowProgram program = program("reverse-kl", OptimizerKind.GRADIENT, 0.7, 1.0);
    try (Pair pair = new Pair(program, 1500)) {
      pair.visit("before");
      // Behind the table's back: the normaliser that is carried is another policy's then.
      for (RowBlock block : List.of(pair.streamed, pair.measured)) {
        MemorySegment row = Objects.requireNonNull(block.actor().logits().floats(1));
        for (long a = 0; a < 1500; a++) {
          row.setAtIndex(ValueLayout.JAVA_FLOAT, a, -3f);
        }
      }
      pair.run();
      RowTable streamed = pair.streamed.actor().logits();
      RowTable measured = pair.measured.actor().logits();
      assertThat(differences(streamed, measured, 1)).isPositive();
      assertThat(differences(streamed, measured, 0)).isZero();
    }
  }

  private static long differences(RowTable actual, RowTable expected, int row) {
    double[] a = RowFixture.row(actual, row);
    double[] b = RowFixture.row(expected, row);
    return IntStream.range(0, a.length).filter(i -> Double.compare(a[i], b[i]) != 0).count();
  }

  /**
   * Two engines on equal problems. One streams twice; the other visits for two outer iterations,
   * for which it keeps the row in scratch memory.
   */
  private static final class Pair implements AutoCloseable {
    final Engine streaming = new VectorEngine(2);
    final Engine measuring = new VectorEngine(1);
    RowProgram program;
    RowBlock streamed;
    RowBlock measured;

    Pair(RowProgram program, int columns) {
      this.program = program;
      streamed = block(columns);
      measured = block(columns);
    }

    private RowBlock block(int columns) {
      Random random = new Random(SEED);
      double[][] logits = new double[ROWS][];
      double[][] reference = new double[ROWS][];
      double[][] values = new double[ROWS][];
      for (int row = 0; row < ROWS; row++) {
        reference[row] = RowFixture.zipfLogReference(random, columns);
        logits[row] = RowFixture.normal(random, columns, 0.0, 1.5);
        values[row] = RowFixture.normal(random, columns, 0.5, 0.4);
      }
      return RowFixture.block(streaming.kind(), program, logits, reference, values);
    }

    void visit(String situation) {
      run();
      compare(situation);
    }

    void run() {
      streaming.run(streamed, program, 1, null);
      streaming.run(streamed, program, 1, null);
      measuring.run(measured, program, 2, null);
    }

    void change(Consumer<RowBlock> change, String situation) {
      change.accept(streamed);
      change.accept(measured);
      visit(situation);
      visit(situation + ", once more");
    }

    void compare(String situation) {
      ActorState actor = streamed.actor();
      ActorState expected = measured.actor();
      for (int row = 0; row < ROWS; row++) {
        String where = "%s, row %d, seed %d, %s".formatted(situation, row, SEED, program);
        assertThat(differences(actor.logits(), expected.logits(), row)).as(where).isZero();
        for (int m = 0; m < actor.moments().size(); m++) {
          assertThat(differences(actor.moments().get(m), expected.moments().get(m), row))
              .as("moments, " + where)
              .isZero();
        }
      }
      assertThat(actor.momentumSteps()).as(situation).isEqualTo(expected.momentumSteps());
    }

    @Override
    public void close() {
      streaming.close();
      measuring.close();
    }
  }
}
