package dev.clipkl.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleBinaryOperator;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every gradient against central differences of what a trainer would hand to its optimiser: one
 * sample's surrogate loss, with the samples' law held fixed.
 */
class KlAuditGradientTest {
  private static final double STEP = 1e-5;

  /** Central differences: their own error is of the order of STEP^2 and 1e-16 / STEP. */
  private static final double DIFFERENCES = 2e-7;

  /** k of the policy's and the reference's probability of the token, from p's or mu's samples. */
  private static final Map<String, DoubleBinaryOperator> FROM_POLICY =
      Map.of(
          "k1", (p, q) -> -Math.log(q / p),
          "k2", (p, q) -> Math.pow(Math.log(q / p), 2) / 2,
          "k3", (p, q) -> q / p - 1 - Math.log(q / p),
          "abs", (p, q) -> Math.abs(Math.log(q / p)),
          "r log r", (p, q) -> q / p * Math.log(q / p),
          "r log r - (r-1)", (p, q) -> q / p * Math.log(q / p) - (q / p - 1));

  /** The same from the reference's samples, where r = p / q. */
  private static final Map<String, DoubleBinaryOperator> FROM_REFERENCE =
      Map.of(
          "k1", (p, q) -> -Math.log(p / q),
          "k2", (p, q) -> Math.pow(Math.log(p / q), 2) / 2,
          "k3", (p, q) -> p / q - 1 - Math.log(p / q));

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "3, true", "4, true"})
  void everyGradientIsThatOfItsSurrogate(long seed, boolean offPolicy) {
    AuditRows rows = AuditRows.random(seed, 3, 5, 0.8, offPolicy);
    AuditResult result = KlAudit.run(rows.input(), new AuditSettings(List.of(), 1, 0.99));
    int checked = 0;
    for (TargetAudit target : result.targets()) {
      double[][] truth = trueGradient(target.target(), rows);
      assertThat(target.gradientNorm()).isCloseTo(norm(truth), within(DIFFERENCES));
      for (GradientAudit audited : target.gradients()) {
        check(audited, target.target(), rows, truth, "seed " + seed);
        checked++;
      }
    }
    assertThat(checked).isEqualTo(offPolicy ? 4 * 6 + 4 * 6 + 3 : 4 * 3 + 4 * 3 + 3);
  }

  private static void check(
      GradientAudit audited, AuditTarget target, AuditRows rows, double[][] truth, String seed) {
    int actions = rows.actions();
    double[][] expected = new double[rows.start().length][actions];
    double secondMoment = 0.0;
    for (int row = 0; row < expected.length; row++) {
      double[] law = law(target, rows, row);
      for (int token = 0; token < actions; token++) {
        double[] sample = sampleGradient(audited, target, rows, row, token);
        for (int a = 0; a < actions; a++) {
          expected[row][a] += rows.start()[row] * law[token] * sample[a];
          secondMoment += rows.start()[row] * law[token] * sample[a] * sample[a];
        }
      }
    }
    double[][] bias = new double[expected.length][actions];
    for (int row = 0; row < expected.length; row++) {
      for (int a = 0; a < actions; a++) {
        bias[row][a] = expected[row][a] - truth[row][a];
      }
    }
    String what = "%s %s %s, %s".formatted(target, audited.estimator(), audited.placement(), seed);
    double size = norm(truth);
    double trace = secondMoment - product(expected, expected);
    assertThat(audited.relativeBias()).as(what).isCloseTo(norm(bias) / size, relative(size));
    assertThat(audited.projection())
        .as(what)
        .isCloseTo(product(expected, truth) / (size * size), relative(size));
    assertThat(audited.covarianceTrace())
        .as(what)
        .isCloseTo(trace, within(20 * DIFFERENCES * (1 + trace)));
    if (norm(expected) > 1e-3) {
      assertThat(audited.cosine())
          .as(what)
          .isCloseTo(product(expected, truth) / (size * norm(expected)), relative(size));
    }
  }

  private static Offset<Double> relative(double size) {
    return within(10 * DIFFERENCES / (size * size));
  }

  private static double[] law(AuditTarget target, AuditRows rows, int row) {
    if (target == AuditTarget.FORWARD_KL_FROM_REFERENCE) {
      return AuditRows.softmax(rows.reference()[row]);
    }
    return AuditRows.softmax((rows.sampler() == null ? rows.policy() : rows.sampler())[row]);
  }

  /** Differences of one token's surrogate with respect to its row's logits. */
  private static double[] sampleGradient(
      GradientAudit audited, AuditTarget target, AuditRows rows, int row, int token) {
    DoubleBinaryOperator k =
        Objects.requireNonNull(
            (target == AuditTarget.FORWARD_KL_FROM_REFERENCE ? FROM_REFERENCE : FROM_POLICY)
                .get(audited.estimator()));
    double q = AuditRows.softmax(rows.reference()[row])[token];
    double mu = law(target, rows, row)[token];
    double fixed = AuditRows.softmax(rows.policy()[row])[token];
    double[] gradient = new double[rows.actions()];
    for (int a = 0; a < gradient.length; a++) {
      for (int sign = -1; sign <= 1; sign += 2) {
        double[] logits = rows.policy()[row].clone();
        logits[a] += sign * STEP;
        double p = AuditRows.softmax(logits)[token];
        double surrogate =
            switch (audited.placement()) {
              case "reward" -> Math.log(p) * k.applyAsDouble(fixed, q);
              case "loss" -> k.applyAsDouble(p, q);
              case "rho*loss" -> p / mu * k.applyAsDouble(p, q);
              case "rho*reward" -> p / mu * k.applyAsDouble(fixed, q);
              case "rho*reward(mu)" -> p / mu * k.applyAsDouble(mu, q);
              case "sg(rho)*loss" -> fixed / mu * k.applyAsDouble(p, q);
              default -> throw new AssertionError(audited.placement());
            };
        gradient[a] += sign * surrogate / (2 * STEP);
      }
    }
    return gradient;
  }

  /** Differences of the divergence itself. */
  private static double[][] trueGradient(AuditTarget target, AuditRows rows) {
    double[][] gradient = new double[rows.start().length][rows.actions()];
    for (int row = 0; row < gradient.length; row++) {
      double[] q = AuditRows.softmax(rows.reference()[row]);
      for (int a = 0; a < rows.actions(); a++) {
        for (int sign = -1; sign <= 1; sign += 2) {
          double[] logits = rows.policy()[row].clone();
          logits[a] += sign * STEP;
          double[] p = AuditRows.softmax(logits);
          double divergence = 0.0;
          for (int b = 0; b < p.length; b++) {
            divergence +=
                target == AuditTarget.REVERSE_KL
                    ? p[b] * Math.log(p[b] / q[b])
                    : q[b] * Math.log(q[b] / p[b]);
          }
          gradient[row][a] += rows.start()[row] * sign * divergence / (2 * STEP);
        }
      }
    }
    return gradient;
  }

  private static double product(double[][] x, double[][] y) {
    double sum = 0.0;
    for (int row = 0; row < x.length; row++) {
      for (int a = 0; a < x[row].length; a++) {
        sum += x[row][a] * y[row][a];
      }
    }
    return sum;
  }

  private static double norm(double[][] x) {
    return Math.sqrt(product(x, x));
  }
}
