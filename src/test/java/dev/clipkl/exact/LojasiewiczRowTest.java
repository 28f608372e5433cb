package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class LojasiewiczRowTest {
  private static final double LAMBDA = 0.5;
  private static final int ROWS = 200;

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  /** A row, its optimum and its exact gap by Bregman divergences, without the certificate. */
  private record Row(
      Divergence divergence,
      double[] logReference,
      double[] logPolicy,
      double[] logOptimum,
      double[] coefficients,
      double gap) {

    static Row random(Divergence divergence, Random random, double distance) {
      int actions = 2 + random.nextInt(7);
      double[] logReference = RowFixture.logSoftmax(RowFixture.normal(random, actions, 0.0, 1.0));
      double[] values = RowFixture.normal(random, actions, 0.0, 0.4);
      RowOptimumSolver solver = new RowOptimumSolver(divergence, LAMBDA);
      double[] logOptimum =
          solver.logPolicy(solver.solve(logReference, values), logReference, values);
      double[] start = new double[actions];
      Arrays.setAll(
          start,
          a ->
              (Double.isInfinite(logOptimum[a]) ? -6.0 : logOptimum[a])
                  + distance * random.nextGaussian());
      double[] logPolicy = RowFixture.logSoftmax(start);
      double[] coefficients = new double[actions];
      double gap = 0.0;
      for (int a = 0; a < actions; a++) {
        double logRatio = logPolicy[a] - logReference[a];
        double logOptimalRatio = logOptimum[a] - logReference[a];
        coefficients[a] = values[a] - LAMBDA * divergence.derivative(logRatio);
        gap += LAMBDA * Math.exp(logReference[a]) * divergence.bregman(logRatio, logOptimalRatio);
        if (logOptimum[a] == Double.NEGATIVE_INFINITY) {
          // KKT slack of an action that the optimum does not use.
          gap += Math.exp(logPolicy[a]) * slack(divergence, values, logReference, logOptimum, a);
        }
      }
      return new Row(divergence, logReference, logPolicy, logOptimum, coefficients, gap);
    }

    private static double slack(
        Divergence divergence,
        double[] values,
        double[] logReference,
        double[] logOptimum,
        int unused) {
      int used = 0;
      while (logOptimum[used] == Double.NEGATIVE_INFINITY) {
        used++;
      }
      double multiplier =
          values[used] - LAMBDA * divergence.derivative(logOptimum[used] - logReference[used]);
      return multiplier - (values[unused] - LAMBDA * divergence.derivativeAtZero());
    }

    LojasiewiczRow constants() {
      return LojasiewiczRow.of(
          divergence, LAMBDA, logReference, logPolicy, logOptimum, coefficients);
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void inequalityAndCertificateHoldOnRandomRows(Divergence divergence) {
    for (long seed = 0; seed < ROWS; seed++) {
      Row row = Row.random(divergence, new Random(seed), seed % 2 == 0 ? 1.5 : 0.2);
      LojasiewiczRow constants = row.constants();
      String situation = divergence.name() + ", seed " + seed;
      assertThat(constants.certificate())
          .as(situation)
          .isGreaterThanOrEqualTo(row.gap * (1.0 - 1e-10));
      assertThat(2.0 * LAMBDA * constants.kappa() * row.gap)
          .as(situation)
          .isLessThanOrEqualTo(constants.squaredGradientNorm() * (1.0 + 1e-10));
      assertThat(constants.gapBound(LAMBDA))
          .as(situation)
          .isGreaterThanOrEqualTo(constants.certificate() * (1.0 - 1e-10));
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void preconditionedInequalityHoldsOnRandomRows(Divergence divergence) {
    for (long seed = 0; seed < ROWS; seed++) {
      Random random = new Random(seed);
      Row row = Row.random(divergence, random, 1.0);
      double[] p = Arrays.stream(row.logPolicy).map(Math::exp).toArray();
      double mean = 0.0;
      for (int a = 0; a < p.length; a++) {
        mean += p[a] * row.coefficients[a];
      }
      double slope = 0.0;
      double[] preconditioner = random.doubles(p.length, 0.2, 5.0).toArray();
      double[] ofGradient = new double[p.length];
      for (int a = 0; a < p.length; a++) {
        double centred = row.coefficients[a] - mean;
        slope += p[a] * centred * centred / (LAMBDA * preconditioner[a]);
        ofGradient[a] = 1.0 / (LAMBDA * p[a]);
      }
      String situation = divergence.name() + ", seed " + seed;
      assertThat(2.0 * Math.exp(logKappa(row, preconditioner)) * row.gap)
          .as(situation)
          .isLessThanOrEqualTo(slope * (1.0 + 1e-10));
      double logKappa = row.constants().logKappa();
      assertThat(Math.exp(logKappa(row, ofGradient) - logKappa))
          .as(situation)
          .satisfies(ratio ->
              assertThat(Double.isNaN(ratio) ? LAMBDA : ratio).isCloseTo(LAMBDA, within(1e-12)));
    }
  }

  private static double logKappa(Row row, double[] preconditioner) {
    return LojasiewiczRow.logPreconditionedKappa(
        row.divergence, row.logReference, row.logPolicy, row.logOptimum, preconditioner);
  }

  /**
   * Close to an interior optimum m is nearly constant on the segment, so that the certificate is
   * {@code sum c^2 / (2 lambda m)}, which exceeds the gap only by the term that centring with E_p G
   * rather than the multiplier leaves. Bounds that were loose everywhere would hide a wrong m.
   */
  @ParameterizedTest
  @MethodSource("divergences")
  void certificateIsTightNearAnInteriorOptimum(Divergence divergence) {
    int interior = 0;
    for (long seed = 0; seed < ROWS; seed++) {
      Row row = Row.random(divergence, new Random(seed), 1e-4);
      if (Arrays.stream(row.logOptimum).allMatch(x -> x > -6.0)) {
        interior++;
        LojasiewiczRow constants = row.constants();
        double loose = 0.0;
        double mean = 0.0;
        for (int a = 0; a < row.logPolicy.length; a++) {
          mean += Math.exp(row.logPolicy[a]) * row.coefficients[a];
        }
        for (int a = 0; a < row.logPolicy.length; a++) {
          double logRatio = row.logOptimum[a] - row.logReference[a];
          double convexity = divergence.secondDerivative(logRatio) / Math.exp(row.logReference[a]);
          loose += (row.coefficients[a] - mean) * (row.coefficients[a] - mean) / convexity;
        }
        assertThat(constants.certificate())
            .as("%s, seed %d", divergence.name(), seed)
            .isCloseTo(loose / (2.0 * LAMBDA), within(2e-3 * constants.certificate()));
      }
    }
    assertThat(interior).as(divergence.name()).isGreaterThan(20);
  }

  @Test
  void kappaTendsToTheRarestActionsProbabilityAtTheOptimum() {
    for (long seed = 0; seed < 20; seed++) {
      Row reverse = Row.random(new ReverseKl(), new Random(seed), 0.0);
      double leastOptimum = Arrays.stream(reverse.logOptimum).min().orElseThrow();
      assertThat(reverse.constants().logKappa())
          .as("seed %d", seed)
          .isCloseTo(leastOptimum, within(1e-12));
      Row forward = Row.random(new ForwardKl(), new Random(seed), 0.0);
      double leastReference = Arrays.stream(forward.logReference).min().orElseThrow();
      assertThat(forward.constants().logKappa())
          .as("seed %d", seed)
          .isCloseTo(leastReference, within(1e-12));
    }
  }

  @Test
  void survivesProbabilitiesThatUnderflow() {
    // Reverse KL with a tail of e^-900 that is optimal: m = e^900 overflows, kappa underflows.
    double[] logReference = {-Math.log(2.0), -Math.log(2.0), -900.0};
    double[] coefficients = {0.1, -0.1, 0.0};
    LojasiewiczRow row =
        LojasiewiczRow.of(
            new ReverseKl(), LAMBDA, logReference, logReference, logReference, coefficients);
    assertThat(row.logKappa()).isCloseTo(-900.0, within(1e-12));
    assertThat(row.kappa()).isZero();
    assertThat(row.certificate()).isCloseTo(0.01 / (2.0 * LAMBDA), within(1e-16));
    assertThat(row.squaredGradientNorm()).isCloseTo(2.0 * 0.05 * 0.05, within(1e-17));
  }

  @Test
  void anActionWithoutProbabilityProvesNothing() {
    double[] logReference = RowFixture.log(0.5, 0.5);
    double[] stuck = {0.0, Double.NEGATIVE_INFINITY};
    double[] coefficients = {0.0, Double.POSITIVE_INFINITY};
    LojasiewiczRow row =
        LojasiewiczRow.of(new ReverseKl(), LAMBDA, logReference, stuck, logReference, coefficients);
    assertThat(row.kappa()).isZero();
    assertThat(row.certificate()).isInfinite();
    assertThat(row.gapBound(LAMBDA)).isInfinite();
    assertThat(row.squaredGradientNorm()).isZero();
  }
}
