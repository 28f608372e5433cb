package dev.clipkl.engine;

import static dev.clipkl.engine.RowFixture.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What every engine must do; each engine has a subclass. */
public abstract class EngineContract extends ConvergenceContract {
  private static final double[] GOLDEN_REFERENCE = {0.5, 0.3, 0.2};
  private static final double[] GOLDEN_REWARD = {1.0, 0.2, 0.5};
  private static final double[] GOLDEN_LOGITS = {0.1, -0.2, 0.3};
  private static final double GOLDEN_LAMBDA = 0.5;

  static Stream<Arguments> goldenDivergences() {
    return Stream.of(
        Arguments.of("reverse-kl", "rkl"),
        Arguments.of("forward-kl", "fkl"),
        Arguments.of("js", "js"),
        Arguments.of("chi2", "chi2"),
        Arguments.of("hellinger2", "hellinger2"),
        Arguments.of("alpha(0.5)", "alpha0.5"),
        Arguments.of("alpha(1.5)", "alpha1.5"),
        Arguments.of("alpha(-1)", "alpha-1"),
        Arguments.of("alpha(2)", "alpha2"),
        Arguments.of("alpha(3)", "alpha3"));
  }

  @ParameterizedTest
  @MethodSource("goldenDivergences")
  void reproducesGoldenValuesGradientsAndGaps(String divergence, String golden) {
    JsonNode expected = Golden.of("G1." + golden);
    RowProgram program = program(divergence, GOLDEN_LAMBDA, OptimizerKind.GRADIENT, 1, 0.2);
    try (Engine engine = open(1)) {
      RowBlock block =
          RowFixture.block(
              engine.kind(), program, GOLDEN_LOGITS, log(GOLDEN_REFERENCE), GOLDEN_REWARD);
      RowResults results = new RowResults(1, 1, 1);
      engine.evaluate(block, program, results);
      Offset<Double> value = within(tolerance().value());
      assertThat(results.latest(RowMetric.DIVERGENCE)[0])
          .isCloseTo(expected.get("D").doubleValue(), value);
      assertThat(results.latest(RowMetric.VALUE)[0])
          .isCloseTo(expected.get("V").doubleValue(), value);
      assertThat(results.latest(RowMetric.GAP)[0])
          .isCloseTo(expected.get("gap").doubleValue(), value);
      RowTable gradients =
          RowTable.allocate(Arena.ofAuto(), engine.kind().precision(), 1, GOLDEN_LOGITS.length);
      engine.gradient(block, program, gradients);
      assertThat(RowFixture.row(gradients, 0))
          .containsExactly(Golden.row(expected.get("grad")), value);
    }
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl, rkl", "forward-kl, fkl"})
  void reproducesGoldenClippedTrajectory(String divergence, String golden) {
    JsonNode expected = Golden.of("G2.bandit-ppo." + golden);
    Divergence f = Divergence.parse(divergence);
    double unit = RowSmoothness.constant(f, GOLDEN_LAMBDA, 0.8);
    RowProgram program =
        new RowProgram(
            f,
            GOLDEN_LAMBDA,
            ClippedSurrogate.of(0.05),
            OptimizerKind.GRADIENT,
            StepRuleKind.FIXED,
            0.8 * unit,
            4,
            0.0);
    try (Engine engine = open(1)) {
      double[] start = log(GOLDEN_REFERENCE);
      RowBlock block = RowFixture.block(engine.kind(), program, start, start, GOLDEN_REWARD);
      RowResults results = new RowResults(2, 1, 4);
      engine.run(block, program, 2, results);
      double[] logits = RowFixture.row(block.actor().logits(), 0);
      assertThat(logits)
          .containsExactly(Golden.row(expected.get("theta").get(0)), within(tolerance().logits()));
      assertThat(RowFixture.softmax(logits))
          .containsExactly(
              RowFixture.softmax(Golden.row(expected.get("theta").get(0))),
              within(tolerance().probability()));
      assertThat(results.metric(1, RowMetric.VALUE)[0])
          .isCloseTo(expected.get("V_u").doubleValue(), within(tolerance().value()));
      int[] clipped =
          IntStream.range(0, 8).map(i -> results.clippedActions(i / 4, i % 4)[0]).toArray();
      int[] expectedClipped =
          IntStream.range(0, 8).map(i -> expected.get("clipped").get(i).intValue()).toArray();
      assertThat(clipped).containsExactly(expectedClipped);
    }
  }

  @ParameterizedTest
  @EnumSource(OptimizerKind.class)
  void followsTheOracleForEveryOptimizerAndStepRule(OptimizerKind optimizer) {
    for (StepRuleKind rule : StepRuleKind.values()) {
      for (Divergence divergence : divergences().toList()) {
        if (optimizer == OptimizerKind.NEWTON && rule == StepRuleKind.FIXED) {
          continue; // Divides by a curvature that may vanish: no fixed step is sound.
        }
        RowProgram program =
            new RowProgram(divergence, 0.3, ClippedSurrogate.of(0.2), optimizer, rule, 0.5, 2, 0.0);
        compareWithOracle(program, 3, 77, 2);
      }
    }
  }

  /** A row of several pieces, the last one partial, with clips that come and stay. */
  @ParameterizedTest
  @CsvSource({
    "reverse-kl, GRADIENT, 10.0",
    "reverse-kl, NATURAL, 0.3",
    "forward-kl, GRADIENT, 10.0",
    "forward-kl, PRECONDITIONED, 0.3"
  })
  void manyInnerStepsFollowTheOracle(String divergence, OptimizerKind optimizer, double stepSize) {
    for (StepRuleKind rule : List.of(StepRuleKind.FIXED, StepRuleKind.BACKTRACKING)) {
      int clipped =
          compareWithOracle(
              new RowProgram(
                  Divergence.parse(divergence),
                  0.3,
                  ClippedSurrogate.of(0.2),
                  optimizer,
                  rule,
                  stepSize,
                  6,
                  0.0),
              2,
              3001,
              2);
      assertThat(clipped).as("clipped actions, %s", rule).isPositive();
    }
  }

  /** Returns how many actions the clip holds at the last inner step. */
  private int compareWithOracle(RowProgram program, int rows, int columns, int outerIterations) {
    long seed = 20251L;
    Random random = new Random(seed);
    double[][] logits = new double[rows][];
    double[][] reference = new double[rows][];
    double[][] values = new double[rows][];
    for (int row = 0; row < rows; row++) {
      reference[row] = RowFixture.zipfLogReference(random, columns);
      logits[row] = reference[row].clone();
      for (int a = 0; a < columns; a++) {
        logits[row][a] = (float) (logits[row][a] + 0.3 * random.nextGaussian());
      }
      values[row] = RowFixture.normal(random, columns, 0.5, 0.2);
    }
    String situation = program + ", seed " + seed;
    try (Engine engine = open(2);
        Engine oracle = new ReferenceEngine(1)) {
      RowBlock block = RowFixture.block(engine.kind(), program, logits, reference, values);
      RowBlock exact = RowFixture.block(oracle.kind(), program, logits, reference, values);
      RowResults results = new RowResults(outerIterations, rows, program.innerSteps());
      RowResults expected = new RowResults(outerIterations, rows, program.innerSteps());
      engine.run(block, program, outerIterations, results);
      oracle.run(exact, program, outerIterations, expected);
      for (int row = 0; row < rows; row++) {
        assertThat(RowFixture.softmax(RowFixture.row(block.actor().logits(), row)))
            .as(situation)
            .containsExactly(
                RowFixture.softmax(RowFixture.row(exact.actor().logits(), row)),
                within(tolerance().probability()));
        for (int k = 0; k < program.innerSteps(); k++) {
          assertThat(results.clippedActions(outerIterations - 1, k)[row])
              .as("clipped actions of inner step %d, %s", k, situation)
              .isEqualTo(expected.clippedActions(outerIterations - 1, k)[row]);
        }
        for (RowMetric metric : RowMetric.values()) {
          double want = expected.metric(outerIterations - 1, metric)[row];
          assertThat(results.metric(outerIterations - 1, metric)[row])
              .as("%s, %s", metric, situation)
              .isCloseTo(want, within(tolerance().value() * Math.max(1.0, Math.abs(want))));
        }
      }
      return Arrays.stream(expected.clippedActions(outerIterations - 1, program.innerSteps() - 1))
          .sum();
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void gradientRowsSumToZeroAndMatchFiniteDifferences(Divergence divergence) {
    int columns = 9;
    long seed = 7L;
    Random random = new Random(seed);
    double[] reference = RowFixture.zipfLogReference(random, columns);
    double[] logits = RowFixture.normal(random, columns, 0.0, 1.0);
    double[] values = RowFixture.normal(random, columns, 0.5, 0.3);
    RowProgram program = program(divergence.name(), 0.4, OptimizerKind.GRADIENT, 1, 0.2);
    try (Engine engine = open(1)) {
      RowBlock block = RowFixture.block(engine.kind(), program, logits, reference, values);
      RowTable gradients =
          RowTable.allocate(Arena.ofAuto(), RowTable.Precision.FLOAT64, 1, columns);
      engine.gradient(block, program, gradients);
      double sum = 0.0;
      for (int a = 0; a < columns; a++) {
        double derivative = finiteDifference(divergence, 0.4, logits, reference, values, a);
        assertThat(gradients.get(0, a))
            .as("%s, action %d, seed %d", divergence.name(), a, seed)
            .isCloseTo(derivative, within(Math.max(1e-9, tolerance().value())));
        sum += gradients.get(0, a);
      }
      assertThat(sum).as(divergence.name()).isCloseTo(0.0, within(tolerance().value()));
    }
  }

  private static double finiteDifference(
      Divergence divergence,
      double lambda,
      double[] logits,
      double[] reference,
      double[] values,
      int action) {
    double h = 1e-5;
    double[] shifted = logits.clone();
    shifted[action] += h;
    double above = value(divergence, lambda, shifted, reference, values);
    shifted[action] -= 2 * h;
    return (above - value(divergence, lambda, shifted, reference, values)) / (2 * h);
  }

  private static double value(
      Divergence divergence, double lambda, double[] logits, double[] reference, double[] values) {
    double[] logProbs = RowFixture.logSoftmax(logits);
    double sum = 0.0;
    for (int a = 0; a < logits.length; a++) {
      sum +=
          Math.exp(logProbs[a]) * values[a]
              - lambda * Math.exp(reference[a]) * divergence.value(logProbs[a] - reference[a]);
    }
    return sum;
  }

  @Test
  void nesterovFollowsItsRecursion() {
    double lambda = 0.5;
    double step = 1.0 / RowSmoothness.constant(Divergence.parse("reverse-kl"), lambda, 0.8);
    double[] logits = log(GOLDEN_REFERENCE);
    double[] velocity = new double[logits.length];
    for (int t = 1; t <= 4; t++) {
      double[] logProbs = RowFixture.logSoftmax(logits);
      double mean = 0.0;
      double[] coefficient = new double[logits.length];
      for (int a = 0; a < logits.length; a++) {
        coefficient[a] = GOLDEN_REWARD[a] - lambda * (logProbs[a] - Math.log(GOLDEN_REFERENCE[a]));
        mean += Math.exp(logProbs[a]) * coefficient[a];
      }
      for (int a = 0; a < logits.length; a++) {
        double move = step * Math.exp(logProbs[a]) * (coefficient[a] - mean);
        velocity[a] = (t - 1.0) / (t + 2.0) * velocity[a] + move;
        logits[a] += move + t / (t + 3.0) * velocity[a];
      }
    }
    RowProgram program =
        new RowProgram(
            Divergence.parse("reverse-kl"),
            lambda,
            ClippedSurrogate.of(0.99),
            OptimizerKind.NESTEROV,
            StepRuleKind.FIXED,
            1.0,
            4,
            0.0);
    try (Engine engine = open(1)) {
      double[] start = log(GOLDEN_REFERENCE);
      RowBlock block = RowFixture.block(engine.kind(), program, start, start, GOLDEN_REWARD);
      engine.run(block, program, 1, new RowResults(1, 1, 4));
      assertThat(RowFixture.row(block.actor().logits(), 0))
          .containsExactly(logits, within(tolerance().logits()));
    }
  }

  @Test
  void firstInnerStepSeesRatiosOfExactlyOne() {
    RowProgram program = program("reverse-kl", 0.3, OptimizerKind.NATURAL, 3, 1e-6);
    Random random = new Random(3L);
    double[] reference = RowFixture.zipfLogReference(random, 4099);
    double[] values = RowFixture.normal(random, 4099, 0.5, 0.2);
    try (Engine engine = open(1)) {
      RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
      RowResults results = new RowResults(3, 1, 3);
      engine.run(block, program, 3, results);
      for (int n = 0; n < 3; n++) {
        assertThat(results.clippedActions(n, 0)[0]).isZero();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(OptimizerKind.class)
  void outerIterationsGiveTheSameBitsTogetherAndOneByOne(OptimizerKind optimizer) {
    for (StepRuleKind rule : List.of(StepRuleKind.BACKTRACKING, StepRuleKind.FIXED)) {
      if (optimizer == OptimizerKind.NEWTON && rule == StepRuleKind.FIXED) {
        continue; // See above.
      }
      for (String divergence : List.of("forward-kl", "reverse-kl")) {
        compareTogetherWithOneByOne(
            new RowProgram(
                Divergence.parse(divergence),
                0.2,
                ClippedSurrogate.of(0.2),
                optimizer,
                rule,
                rule == StepRuleKind.FIXED ? 0.3 : 1.0,
                3,
                0.0));
      }
    }
  }

  private void compareTogetherWithOneByOne(RowProgram program) {
    long seed = 51L;
    Random random = new Random(seed);
    double[] reference = RowFixture.zipfLogReference(random, 3001);
    double[] values = RowFixture.normal(random, 3001, 0.5, 0.2);
    try (Engine engine = open(1)) {
      RowBlock[] blocks = new RowBlock[2];
      for (int i = 0; i < 2; i++) {
        blocks[i] = RowFixture.block(engine.kind(), program, reference, reference, values);
      }
      RowResults together = new RowResults(6, 1, 3);
      engine.run(blocks[0], program, 6, together);
      RowResults single = new RowResults(1, 1, 3);
      for (int n = 0; n < 6; n++) {
        engine.run(blocks[1], program, 1, single);
        for (RowMetric metric : RowMetric.values()) {
          assertThat(single.metric(0, metric)[0])
              .as("%s, outer iteration %d, %s, seed %d", metric, n, program, seed)
              .isEqualTo(together.metric(n, metric)[0]);
        }
      }
      assertThat(RowFixture.row(blocks[1].actor().logits(), 0))
          .isEqualTo(RowFixture.row(blocks[0].actor().logits(), 0));
    }
  }

  /** An engine may take another way for the shortest visit of all. */
  @ParameterizedTest
  @EnumSource(OptimizerKind.class)
  void visitsOfOneStepGiveTheBitsOfLongerOnes(OptimizerKind optimizer) {
    long seed = 52L;
    Random random = new Random(seed);
    double[] reference = RowFixture.zipfLogReference(random, 3001);
    double[] values = RowFixture.normal(random, 3001, 0.5, 0.2);
    for (Divergence divergence : divergences().toList()) {
      RowProgram program =
          new RowProgram(
              divergence,
              0.2,
              ClippedSurrogate.of(0.2),
              optimizer,
              StepRuleKind.FIXED,
              0.3,
              1,
              0.0);
      try (Engine engine = open(1)) {
        RowBlock[] blocks = new RowBlock[2];
        for (int i = 0; i < 2; i++) {
          blocks[i] = RowFixture.block(engine.kind(), program, reference, reference, values);
        }
        engine.run(blocks[0], program, 4, null);
        for (int n = 0; n < 4; n++) {
          engine.run(blocks[1], program, 1, null);
        }
        assertThat(RowFixture.row(blocks[1].actor().logits(), 0))
            .as("%s, seed %d", divergence.name(), seed)
            .isEqualTo(RowFixture.row(blocks[0].actor().logits(), 0));
      }
    }
  }

  @Test
  void givesTheSameBitsForAnyNumberOfThreads() {
    double[][] one = trainedLogits(1);
    double[][] three = trainedLogits(3);
    assertThat(one).isEqualTo(three);
  }

  private double[][] trainedLogits(int threads) {
    int rows = 7;
    int columns = 1501;
    Random random = new Random(5L);
    double[][] reference = new double[rows][];
    double[][] values = new double[rows][];
    for (int row = 0; row < rows; row++) {
      reference[row] = RowFixture.zipfLogReference(random, columns);
      values[row] = RowFixture.normal(random, columns, 0.5, 0.2);
    }
    RowProgram program = program("forward-kl", 0.2, OptimizerKind.PRECONDITIONED, 3, 0.2);
    try (Engine engine = open(threads)) {
      RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
      engine.run(block, program, 5, new RowResults(5, rows, 3));
      return IntStream.range(0, rows)
          .mapToObj(row -> RowFixture.row(block.actor().logits(), row))
          .toArray(double[][]::new);
    }
  }

  private static RowProgram program(
      String divergence, double lambda, OptimizerKind optimizer, int innerSteps, double epsilon) {
    return new RowProgram(
        Divergence.parse(divergence),
        lambda,
        ClippedSurrogate.of(epsilon),
        optimizer,
        StepRuleKind.BACKTRACKING,
        1.0,
        innerSteps,
        0.0);
  }
}
