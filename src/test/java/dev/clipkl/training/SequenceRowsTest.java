package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.TokenEvaluator;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.problem.TokenMdpFixture;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SequenceRowsTest {
  private static final long SEED = 30L;
  private static final double GOLDEN_ERROR = 1e-10;
  private static final double LAMBDA = 0.4;

  /** What the general process and this one may differ by, in float64. */
  private static final double ERROR = 1e-9;

  @AutoClose private final RowThreads threads = new RowThreads(1);

  @ParameterizedTest
  @CsvSource({"reverse-kl, rkl", "forward-kl, fkl"})
  void faithfulIterationsReproduceTheGoldenTrace(String divergence, String golden) {
    JsonNode trace = Golden.of("G4.token." + golden).get("ppo_faithful");
    TokenMdp mdp = TokenMdpFixture.golden();
    // A constant step of 0.1 on every row, times the row's visitation.
    RowProgram program =
        program(divergence, 0.5, 0.1, OptimizerKind.GRADIENT, StepRuleKind.FIXED, 3, 0.1)
            .withSmoothness(1.0);
    try (SequenceIterations run =
        new SequenceIterations(
            mdp,
            new ReferenceEngine(1),
            program,
            WeightKind.VISITATION,
            MdpFixture.tokenLogits())) {
      for (int n = 0; n < 2; n++) {
        run.next();
        for (int k = 0; k < 3; k++) {
          assertThat(run.clipped(k)).isEqualTo(trace.get("clipped").get(3 * n + k).intValue());
        }
      }
      for (int s = 0; s < 3; s++) {
        assertThat(RowFixture.row(run.logits(), s))
            .containsExactly(Golden.row(trace.get("theta").get(s)), within(GOLDEN_ERROR));
      }
      assertThat(run.rows().value(metric -> new double[0]))
          .isCloseTo(trace.get("V_u").doubleValue(), within(GOLDEN_ERROR));
    }
  }

  @Test
  void tracesAgreeWithTheGeneralProcessOnFiftyRandomProblems() {
    Random random = new Random(SEED);
    for (int i = 0; i < 50; i++) {
      int classes = 1 + random.nextInt(5);
      int horizon = i % 3 == 2 ? 1 + random.nextInt(3) : 0;
      TokenMdp mdp =
          TokenMdpFixture.random(
              random, classes, classes + 2 + random.nextInt(6), 0.9, i % 2 == 0, horizon);
      Divergence f = RowFixture.divergences().toList().get(i % 6);
      boolean practical = i % 4 < 2;
      RowProgram program =
          practical
              ? program(
                  f.name(),
                  0.3,
                  1.0,
                  OptimizerKind.recommendedFor(f),
                  StepRuleKind.BACKTRACKING,
                  3,
                  0.2)
              : program(f.name(), 0.3, 0.7, OptimizerKind.GRADIENT, StepRuleKind.FIXED, 3, 0.2);
      compareTraces(mdp, program, TokenMdpFixture.logits(random, mdp, 0.5), "problem " + i);
    }
  }

  private void compareTraces(TokenMdp mdp, RowProgram program, double[][] logits, String name) {
    FiniteMdp same = TokenMdpFixture.asFiniteMdp(mdp);
    MdpSolver solver = new MdpSolver(same, program.divergence(), program.lambda());
    try (SequenceIterations run =
            new SequenceIterations(mdp, new ReferenceEngine(1), program, WeightKind.ROW, logits);
        MdpIterations expected =
            new MdpIterations(
                same,
                solver,
                solver.policyIteration(),
                program,
                WeightKind.ROW,
                TokenMdpFixture.withEnd(logits))) {
      for (int n = 0; n < 6; n++) {
        run.next();
        expected.next();
        double[] values = run.rows().values();
        double[] row = new double[mdp.actions()];
        for (int s = 0; s < mdp.states(); s++) {
          String where = "%s, iteration %d, state %d, seed %d".formatted(name, n, s, SEED);
          TokenEvaluator.readLogPolicy(run.logits(), s, row);
          assertThat(row).as(where).containsExactly(expected.logPolicy()[s], within(ERROR));
          assertThat(values[s]).as(where).isCloseTo(expected.values().values()[s], within(ERROR));
          run.rows().block().actionValues().readRow(s, row);
          assertThat(row)
              .as(where)
              .containsExactly(expected.values().actionValues()[s], within(ERROR));
        }
        assertThat((1.0 - TokenMdpFixture.END_WEIGHT) * gap(run))
            .as("gap of %s, iteration %d, seed %d", name, n, SEED)
            .isCloseTo(expected.gap(), within(ERROR));
      }
    }
  }

  /** What a definition of the action values makes of the gradient, against finite differences. */
  @FunctionalInterface
  private interface ActionValues {
    void fill(
        TokenMdp mdp, TokenEvaluator.Evaluation policy, RowTable logits, int state, double[] q);
  }

  @Test
  void theGradientIsThatOfTheValue() {
    assertThat(largestGradientError(this::rightActionValues)).isLessThan(1e-8);
  }

  /** THEORY 0.3: the own state's regulariser is not inside Q. */
  @Test
  void theOwnRegulariserInsideTheActionValuesIsCaught() {
    assertThat(
            largestGradientError((mdp, policy, logits, state, q) -> {
              rightActionValues(mdp, policy, logits, state, q);
              double[] logReference = new double[q.length];
              double[] logPolicy = new double[q.length];
              mdp.reference().readRow(state, logReference);
              TokenEvaluator.readLogPolicy(logits, state, logPolicy);
              for (int a = 0; a < q.length; a++) {
                q[a] -= LAMBDA * (logPolicy[a] - logReference[a]);
              }
            }))
        .isGreaterThan(1e-2);
  }

  /** THEORY 0.3: the regulariser of later states is inside Q. */
  @Test
  void actionValuesWithoutTheLaterRegularisersAreCaught() {
    assertThat(
            largestGradientError((mdp, policy, logits, state, q) -> {
              TokenEvaluator bare =
                  new TokenEvaluator(mdp, Divergence.parse("reverse-kl"), 1e-300, threads);
              bare.readActionValues(bare.evaluate(logits).values(), state, q);
            }))
        .isGreaterThan(1e-3);
  }

  /**
   * THEORY 0.4: the advantage's baseline is {@code E_p Q}, not V. The gradient does not see it;
   * what does is the side on which an action is clipped.
   */
  @Test
  void advantagesHaveMeanZeroWhichTheValueAsBaselineHasNot() {
    TokenMdp mdp = TokenMdpFixture.random(new Random(SEED), 4, 9, 0.9, true, 0);
    double[][] logits = TokenMdpFixture.logits(new Random(SEED + 1), mdp, 1.0);
    RowProgram program =
        program("reverse-kl", LAMBDA, 1.0, OptimizerKind.GRADIENT, StepRuleKind.FIXED, 1, 0.2);
    try (SequenceIterations run =
        new SequenceIterations(mdp, new ReferenceEngine(1), program, WeightKind.ROW, logits)) {
      double[] meanActionValues = run.latest(RowMetric.ACTION_VALUE).clone();
      double[] values = run.latest(RowMetric.VALUE).clone();
      for (int s = 0; s < mdp.states(); s++) {
        double mean = 0.0;
        double[] q = new double[9];
        double[] logPolicy = new double[9];
        run.rows().block().actionValues().readRow(s, q);
        TokenEvaluator.readLogPolicy(run.logits(), s, logPolicy);
        for (int a = 0; a < 9; a++) {
          mean += Math.exp(logPolicy[a]) * q[a];
        }
        assertThat(meanActionValues[s]).isCloseTo(mean, within(1e-12));
        assertThat(values[s]).isLessThan(mean - 1e-2);
      }
    }
  }

  private void rightActionValues(
      TokenMdp mdp, TokenEvaluator.Evaluation policy, RowTable logits, int state, double[] q) {
    evaluator(mdp).readActionValues(policy.values(), state, q);
  }

  private TokenEvaluator evaluator(TokenMdp mdp) {
    return new TokenEvaluator(mdp, Divergence.parse("reverse-kl"), LAMBDA, threads);
  }

  /** The engine's gradient for these action values, times d, against central differences. */
  private double largestGradientError(ActionValues definition) {
    Random random = new Random(SEED);
    double largest = 0.0;
    RowProgram program =
        program("reverse-kl", LAMBDA, 1.0, OptimizerKind.GRADIENT, StepRuleKind.FIXED, 1, 0.2);
    for (int i = 0; i < 8; i++) {
      TokenMdp mdp = TokenMdpFixture.random(random, 3, 6, 0.8, i % 2 == 0, i % 4 == 3 ? 3 : 0);
      double[][] logits = TokenMdpFixture.logits(random, mdp, 0.7);
      RowTable table = RowFixture.table(RowTable.Precision.FLOAT64, logits);
      TokenEvaluator.Evaluation policy = evaluator(mdp).evaluate(table);
      double[][] actionValues = new double[mdp.states()][mdp.actions()];
      for (int s = 0; s < mdp.states(); s++) {
        definition.fill(mdp, policy, table, s, actionValues[s]);
      }
      RowTable gradients =
          RowTable.allocate(
              Arena.ofAuto(), RowTable.Precision.FLOAT64, mdp.states(), mdp.actions());
      try (Engine engine = new ReferenceEngine(1)) {
        RowBlock block =
            RowFixture.block(
                EngineKind.REFERENCE,
                program,
                table,
                mdp.reference(),
                RowFixture.table(RowTable.Precision.FLOAT64, actionValues));
        engine.gradient(block, program, gradients);
      }
      double error = 0.0;
      double scale = 0.0;
      for (int s = 0; s < mdp.states(); s++) {
        for (int a = 0; a < mdp.actions(); a++) {
          double gradient = policy.visitation()[s] * gradients.get(s, a);
          double derivative = derivative(mdp, logits, s, a);
          error = Math.max(error, Math.abs(gradient - derivative));
          scale = Math.max(scale, Math.abs(derivative));
        }
      }
      largest = Math.max(largest, error / scale);
    }
    return largest;
  }

  /** Central differences of fourth order. */
  private double derivative(TokenMdp mdp, double[][] logits, int state, int action) {
    double h = 2e-3;
    double near = value(mdp, logits, state, action, h) - value(mdp, logits, state, action, -h);
    double far =
        value(mdp, logits, state, action, 2 * h) - value(mdp, logits, state, action, -2 * h);
    return (8.0 * near - far) / (12.0 * h);
  }

  private double value(TokenMdp mdp, double[][] logits, int state, int action, double shift) {
    double[][] shifted = Arrays.stream(logits).map(double[]::clone).toArray(double[][]::new);
    shifted[state][action] += shift;
    double[] values =
        evaluator(mdp).evaluate(RowFixture.table(RowTable.Precision.FLOAT64, shifted)).values();
    return RowCoupling.average(mdp.startDistribution(), values);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reverse-kl", "forward-kl"})
  void theVectorEngineFollowsTheOracle(String divergence) {
    TokenMdp mdp = TokenMdpFixture.random(new Random(SEED), 7, 333, 0.9, true, 0);
    double[][] logits = TokenMdpFixture.logits(new Random(SEED + 1), mdp, 1.0);
    OptimizerKind optimizer = OptimizerKind.recommendedFor(Divergence.parse(divergence));
    RowProgram fixed = program(divergence, 0.3, 0.5, optimizer, StepRuleKind.FIXED, 4, 0.2);
    try (SequenceIterations oracle =
            new SequenceIterations(mdp, new ReferenceEngine(1), fixed, WeightKind.ROW, logits);
        SequenceIterations fast =
            new SequenceIterations(mdp, new VectorEngine(2), fixed, WeightKind.ROW, logits)) {
      for (int n = 0; n < 30; n++) {
        oracle.next();
        fast.next();
        assertThat(gap(fast))
            .as("iteration %d, seed %d", n, SEED)
            .isCloseTo(gap(oracle), within(1e-4 * gap(oracle) + 1e-6));
      }
      assertThat(fast.rows().values()).containsExactly(oracle.rows().values(), within(1e-5));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reverse-kl", "forward-kl", "js"})
  void certifiedIterationsInFloat32NeverLowerTheValueAndConverge(String divergence) {
    TokenMdp mdp = TokenMdpFixture.random(new Random(SEED), 7, 333, 0.9, true, 0);
    double[][] logits = TokenMdpFixture.logits(new Random(SEED + 1), mdp, 1.0);
    OptimizerKind optimizer = OptimizerKind.recommendedFor(Divergence.parse(divergence));
    RowProgram certified =
        program(divergence, 0.3, 1.0, optimizer, StepRuleKind.BACKTRACKING, 4, 0.2);
    try (SequenceIterations run =
        new SequenceIterations(mdp, new VectorEngine(2), certified, WeightKind.ROW, logits)) {
      for (int n = 0; n < 60; n++) {
        double[] before = run.rows().values();
        run.next();
        for (int s = 0; s < before.length; s++) {
          assertThat(run.rows().values()[s])
              .as("iteration %d, state %d, seed %d", n, s, SEED)
              .isGreaterThan(before[s] - 2e-6);
        }
      }
      assertThat(gap(run)).isLessThan(1e-6);
    }
  }

  private static double gap(SequenceIterations run) {
    return run.rows().gap(metric -> new double[0]);
  }

  @Test
  void withoutDiscountTheRowsGiveTheBitsOfABandit() {
    TokenMdp mdp = TokenMdpFixture.random(new Random(SEED), 5, 200, 0.0, true, 0);
    double[][] logits = TokenMdpFixture.logits(new Random(SEED + 1), mdp, 1.0);
    RowProgram program =
        program("reverse-kl", 0.2, 1.0, OptimizerKind.NATURAL, StepRuleKind.BACKTRACKING, 3, 0.2);
    try (SequenceIterations run =
            new SequenceIterations(mdp, new VectorEngine(2), program, WeightKind.ROW, logits);
        Engine engine = new VectorEngine(1)) {
      RowBlock bandit =
          RowFixture.block(
              EngineKind.VECTOR,
              program,
              RowFixture.table(RowTable.Precision.FLOAT32, logits),
              mdp.reference(),
              mdp.rewards());
      engine.run(bandit, program, 6, new RowResults(6, 5, 3));
      for (int n = 0; n < 6; n++) {
        run.next();
      }
      for (int s = 0; s < 5; s++) {
        assertThat(RowFixture.row(run.logits(), s))
            .isEqualTo(RowFixture.row(bandit.actor().logits(), s))
            .isNotEqualTo(logits[s]);
      }
    }
  }

  private static RowProgram program(
      String divergence,
      double lambda,
      double step,
      OptimizerKind optimizer,
      StepRuleKind rule,
      int innerSteps,
      double clipEpsilon) {
    return new RowProgram(
        Divergence.parse(divergence),
        lambda,
        ClippedSurrogate.of(clipEpsilon),
        optimizer,
        rule,
        step,
        innerSteps,
        0.0);
  }
}
