package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** How exact float32 is at the size of an LLM's vocabulary. */
final class VectorAccuracyTest {
  private static final int COLUMNS = 128_256;
  private static final double SPREAD = 60.0;

  /**
   * Float32 roundings of a probability (1.5 units of its exponential, 1 of the normaliser) and of a
   * coefficient, each at most 6e-8 to 9e-8.
   */
  private static final double LARGEST_ERROR = 5e-7;

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void gradientHasItsDigitsWithLogitsSpreadOverSixtyNats(Divergence divergence) {
    Situation row = new Situation(31L);
    RowProgram program = program(divergence, 1.0);
    double[] exact = row.gradient(new ReferenceEngine(1), program);
    double[] actual = row.gradient(new VectorEngine(1), program);
    assertThat(relativeError(actual, exact)).as(divergence.name()).isLessThan(LARGEST_ERROR);
  }

  /** The fused way: what a step adds to the logits, less the rounding of the logits themselves. */
  @ParameterizedTest
  @MethodSource("divergences")
  void stepHasItsDigitsWithLogitsSpreadOverSixtyNats(Divergence divergence) {
    Situation row = new Situation(32L);
    RowProgram program = program(divergence, 4.0);
    double[] exact = row.step(new ReferenceEngine(1), program);
    double[] actual = row.step(new VectorEngine(1), program);
    double norm = 0.0;
    double error = 0.0;
    for (int a = 0; a < COLUMNS; a++) {
      double move = exact[a] - row.logits[a];
      double rounding = 0.5 * Math.ulp((float) actual[a]);
      double excess = Math.max(0.0, Math.abs(actual[a] - exact[a]) - rounding);
      norm += move * move;
      error += excess * excess;
    }
    assertThat(Math.sqrt(error / norm)).as(divergence.name()).isLessThan(LARGEST_ERROR);
  }

  private static double relativeError(double[] actual, double[] exact) {
    double norm = 0.0;
    double error = 0.0;
    for (int a = 0; a < COLUMNS; a++) {
      norm += exact[a] * exact[a];
      error += (actual[a] - exact[a]) * (actual[a] - exact[a]);
    }
    return Math.sqrt(error / norm);
  }

  /** Interpreted, then compiled: the code's state must not show in the result. */
  @ParameterizedTest
  @EnumSource(
      value = StepRuleKind.class,
      names = {"BACKTRACKING", "FIXED"})
  void tenThousandthVisitGivesTheBitsOfTheFirst(StepRuleKind rule) {
    int columns = 1003;
    Random random = new Random(33L);
    double[][] reference = {RowFixture.zipfLogReference(random, columns)};
    double[][] values = {RowFixture.normal(random, columns, 0.5, 0.2)};
    for (Divergence divergence :
        Stream.of("reverse-kl", "forward-kl").map(Divergence::parse).toList()) {
      RowProgram program =
          new RowProgram(
              divergence,
              0.2,
              ClippedSurrogate.of(0.2),
              rule == StepRuleKind.FIXED
                  ? OptimizerKind.GRADIENT
                  : OptimizerKind.recommendedFor(divergence),
              rule,
              1.0,
              3,
              0.0);
      try (Engine engine = new VectorEngine(1)) {
        RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
        double[] first = visit(engine, program, block, reference[0]);
        for (int visit = 2; visit < 10_000; visit++) {
          visit(engine, program, block, reference[0]);
        }
        assertThat(visit(engine, program, block, reference[0]))
            .as(divergence.name())
            .isEqualTo(first);
      }
    }
  }

  private static double[] visit(Engine engine, RowProgram program, RowBlock block, double[] start) {
    ActorState actor = block.actor();
    actor.logits().writeRow(0, start);
    actor.stepSizes()[0] = Double.NaN;
    actor.momentumSteps()[0] = 0;
    engine.run(block, program, 2, null);
    return RowFixture.row(actor.logits(), 0);
  }

  private static RowProgram program(Divergence divergence, double stepSize) {
    return new RowProgram(
        divergence,
        0.2,
        ClippedSurrogate.of(0.2),
        OptimizerKind.GRADIENT,
        StepRuleKind.FIXED,
        stepSize,
        1,
        0.0);
  }

  /** A policy and a reference whose log-probabilities differ by 60 nats between actions. */
  private static final class Situation {
    final double[] logits;
    private final double[] reference;
    private final double[] values;

    Situation(long seed) {
      Random random = new Random(seed);
      double[] policy = new double[COLUMNS];
      double[] other = new double[COLUMNS];
      for (int a = 0; a < COLUMNS; a++) {
        double depth = a < 2 ? a : random.nextDouble() * random.nextDouble();
        policy[a] = -SPREAD * depth;
        other[a] = policy[a] + 0.5 * random.nextGaussian();
      }
      logits = rounded(RowFixture.logSoftmax(policy));
      reference = rounded(RowFixture.logSoftmax(other));
      values = RowFixture.normal(random, COLUMNS, 0.5, 0.2);
    }

    private static double[] rounded(double[] x) {
      return Arrays.stream(x).map(value -> (float) value).toArray();
    }

    double[] gradient(Engine engine, RowProgram program) {
      try (engine) {
        RowTable gradients =
            RowTable.allocate(Arena.ofAuto(), RowTable.Precision.FLOAT64, 1, COLUMNS);
        engine.gradient(block(engine, program), program, gradients);
        return RowFixture.row(gradients, 0);
      }
    }

    double[] step(Engine engine, RowProgram program) {
      try (engine) {
        RowBlock block = block(engine, program);
        engine.run(block, program, 1, null);
        return RowFixture.row(block.actor().logits(), 0);
      }
    }

    private RowBlock block(Engine engine, RowProgram program) {
      return RowFixture.block(
          engine.kind(),
          program,
          new double[][] {logits},
          new double[][] {reference},
          new double[][] {values});
    }
  }
}
