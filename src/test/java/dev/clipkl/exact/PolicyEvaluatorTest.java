package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFixture;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PolicyEvaluatorTest {
  private static final long SEED = 20260101L;
  private static final double[] DISCOUNTS = {0.0, 0.5, 0.9, 0.99};
  private static final int RANDOM_PROCESSES = 100;

  /** Golden numbers have 17 digits; values here are of order 1 to 10. */
  private static final double GOLDEN_ERROR = 1e-10;

  /** Relative to the gradient's largest entry. */
  private static final double GRADIENT_ERROR = 1e-7;

  /** Logits, policy values and what a definition of the regularised advantage makes of them. */
  private interface Definition {
    double[][] coefficients(
        FiniteMdp mdp, Divergence divergence, double lambda, double[][] logPolicy);
  }

  @ParameterizedTest
  @CsvSource({
    "G3.mdp, reverse-kl, rkl", "G3.mdp, forward-kl, fkl",
    "G4.token, reverse-kl, rkl", "G4.token, forward-kl, fkl"
  })
  void reproducesGoldenValuesVisitationsAndGradients(
      String problem, String divergence, String name) {
    JsonNode expected = Golden.of(problem + "." + name);
    boolean token = problem.equals("G4.token");
    FiniteMdp mdp = token ? MdpFixture.token() : MdpFixture.golden();
    double[][] logPolicy =
        MdpFixture.logPolicy(token ? MdpFixture.tokenLogits() : MdpFixture.goldenLogits());
    PolicyEvaluator evaluator = new PolicyEvaluator(mdp, Divergence.parse(divergence), 0.5);
    PolicyValues values = evaluator.evaluate(logPolicy);
    Offset<Double> error = within(GOLDEN_ERROR);
    assertThat(values.values()).containsExactly(Golden.row(expected.get("V")), error);
    assertThat(values.visitation()).containsExactly(Golden.row(expected.get("d")), error);
    assertThat(values.divergences()).containsExactly(Golden.row(expected.get("D")), error);
    assertThat(values.average(mdp.startDistribution()))
        .isCloseTo(expected.get("V_u").doubleValue(), error);
    double[][] gradient = evaluator.gradient(logPolicy, values);
    for (int s = 0; s < mdp.states(); s++) {
      assertThat(values.actionValues()[s])
          .containsExactly(Golden.row(expected.get("Q").get(s)), error);
      assertThat(gradient[s]).containsExactly(Golden.row(expected.get("grad").get(s)), error);
    }
    assertThat(values.errorBound()).isBetween(0.0, 1e-13);
  }

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void gradientIsTheDerivativeOfTheValueOnRandomProcesses(Divergence divergence) {
    assertThat(largestGradientError(divergence, PolicyEvaluatorTest::coefficients))
        .as("%s, seed %d", divergence.name(), SEED)
        .isLessThan(GRADIENT_ERROR);
  }

  private static double[][] coefficients(
      FiniteMdp mdp, Divergence divergence, double lambda, double[][] logPolicy) {
    PolicyEvaluator evaluator = new PolicyEvaluator(mdp, divergence, lambda);
    return evaluator.coefficients(logPolicy, evaluator.evaluate(logPolicy));
  }

  /** THEORY 1.4: the regulariser of the own state both inside Q and explicit. */
  @Test
  void ownRegulariserInsideTheActionValueIsCaught() {
    assertThat(
            largestGradientError(
                Divergence.parse("reverse-kl"),
                (mdp, divergence, lambda, logPolicy) -> {
                  double[][] g = coefficients(mdp, divergence, lambda, logPolicy);
                  double[] row = new double[mdp.actions()];
                  for (int s = 0; s < g.length; s++) {
                    mdp.reference().readRow(s, row);
                    for (int a = 0; a < row.length; a++) {
                      g[s][a] -= lambda * (logPolicy[s][a] - row[a]);
                    }
                  }
                  return g;
                }))
        .isGreaterThan(1e-2);
  }

  /** THEORY 1.4: Q of the process without regulariser. */
  @Test
  void actionValueWithoutTheLaterRegularisersIsCaught() {
    assertThat(
            largestGradientError(
                Divergence.parse("reverse-kl"),
                (mdp, divergence, lambda, logPolicy) -> {
                  PolicyEvaluator evaluator = new PolicyEvaluator(mdp, divergence, lambda);
                  PolicyValues right = evaluator.evaluate(logPolicy);
                  PolicyValues bare =
                      new PolicyEvaluator(mdp, divergence, 1e-300).evaluate(logPolicy);
                  return evaluator.coefficients(
                      logPolicy,
                      new PolicyValues(
                          right.values(),
                          bare.actionValues(),
                          right.visitation(),
                          right.rewards(),
                          right.divergences(),
                          0.0));
                }))
        .isGreaterThan(1e-3);
  }

  /**
   * THEORY 1.4: V as the baseline leaves the gradient alone and flips signs of advantages, hence
   * the side on which they are clipped; what catches it is that advantages have mean 0.
   */
  @Test
  void valueAsTheBaselineIsCaught() {
    Random random = new Random(SEED);
    int flipped = 0;
    for (int i = 0; i < RANDOM_PROCESSES; i++) {
      FiniteMdp mdp = process(random, i);
      double lambda = 0.05 + random.nextDouble();
      double[][] logPolicy = MdpFixture.logPolicy(MdpFixture.logits(random, mdp, 1.0));
      PolicyEvaluator evaluator = new PolicyEvaluator(mdp, Divergence.parse("reverse-kl"), lambda);
      PolicyValues values = evaluator.evaluate(logPolicy);
      for (int s = 0; s < mdp.states(); s++) {
        double meanAdvantage = 0.0;
        for (int a = 0; a < mdp.actions(); a++) {
          double wrong = values.actionValues()[s][a] - values.values()[s];
          double advantage = wrong - lambda * values.divergences()[s];
          meanAdvantage += Math.exp(logPolicy[s][a]) * advantage;
          flipped += wrong * advantage < 0.0 ? 1 : 0;
        }
        assertThat(meanAdvantage).as("process %d, seed %d", i, SEED).isCloseTo(0.0, within(1e-11));
      }
    }
    assertThat(flipped).as("advantages whose sign the wrong baseline flips").isGreaterThan(100);
  }

  private static FiniteMdp process(Random random, int index) {
    return MdpFixture.random(
        random, 1 + random.nextInt(12), 2 + random.nextInt(7), DISCOUNTS[index % 4]);
  }

  /** Over {@link #RANDOM_PROCESSES}, relative to each gradient's largest entry. */
  private static double largestGradientError(Divergence divergence, Definition definition) {
    Random random = new Random(SEED);
    double largest = 0.0;
    for (int i = 0; i < RANDOM_PROCESSES; i++) {
      FiniteMdp mdp = process(random, i);
      double lambda = 0.05 + random.nextDouble();
      double[][] logits = MdpFixture.logits(random, mdp, 0.7);
      double[][] logPolicy = MdpFixture.logPolicy(logits);
      PolicyEvaluator evaluator = new PolicyEvaluator(mdp, divergence, lambda);
      double[] visitation = evaluator.evaluate(logPolicy).visitation();
      double[][] coefficients = definition.coefficients(mdp, divergence, lambda, logPolicy);
      double error = 0.0;
      double scale = 0.0;
      for (int s = 0; s < mdp.states(); s++) {
        double mean = 0.0;
        for (int a = 0; a < mdp.actions(); a++) {
          mean += Math.exp(logPolicy[s][a]) * coefficients[s][a];
        }
        for (int a = 0; a < mdp.actions(); a++) {
          double gradient = visitation[s] * Math.exp(logPolicy[s][a]) * (coefficients[s][a] - mean);
          double derivative = derivative(evaluator, mdp, logits, s, a);
          error = Math.max(error, Math.abs(gradient - derivative));
          scale = Math.max(scale, Math.abs(derivative));
        }
      }
      largest = Math.max(largest, error / scale);
    }
    return largest;
  }

  /** Central differences of fourth order. */
  private static double derivative(
      PolicyEvaluator evaluator, FiniteMdp mdp, double[][] logits, int state, int action) {
    double h = 2e-3;
    double near = difference(evaluator, mdp, logits, state, action, h);
    double far = difference(evaluator, mdp, logits, state, action, 2.0 * h);
    return (8.0 * near - far) / (12.0 * h);
  }

  private static double difference(
      PolicyEvaluator evaluator,
      FiniteMdp mdp,
      double[][] logits,
      int state,
      int action,
      double h) {
    double[][] shifted = Arrays.stream(logits).map(double[]::clone).toArray(double[][]::new);
    shifted[state][action] += h;
    double above = value(evaluator, mdp, shifted);
    shifted[state][action] -= 2.0 * h;
    return above - value(evaluator, mdp, shifted);
  }

  private static double value(PolicyEvaluator evaluator, FiniteMdp mdp, double[][] logits) {
    return evaluator.evaluate(MdpFixture.logPolicy(logits)).average(mdp.startDistribution());
  }
}
