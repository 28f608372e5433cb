package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class RowSpectrumTest {
  private static final double LAMBDA = 0.5;

  /** A dense solver's error is absolute, about 1e-16 of the largest eigenvalue. */
  private static final double DENSE = 1e-9;

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @CsvSource({
    "reverse-kl, rkl",
    "forward-kl, fkl",
    "js, js",
    "chi2, chi2",
    "hellinger2, hellinger2",
    "alpha(0.5), alpha0.5",
    "alpha(1.5), alpha1.5",
    "alpha(-1), alpha-1",
    "alpha(2), alpha2"
  })
  void reproducesGoldenLocalCurvatures(String name, String golden) {
    Divergence divergence = Divergence.parse(name);
    JsonNode expected = Golden.of("G1." + golden);
    double[] mu = Golden.row(expected.get("mu"));
    double[] p = Golden.row(expected.get("pstar"));
    RowSpectrum.Extremes extremes =
        RowSpectrum.of(p, curvature(divergence, RowFixture.log(0.5, 0.3, 0.2), RowFixture.log(p)));
    assertThat(LAMBDA * extremes.smallest()).isCloseTo(mu[0], withinPercentage(1e-8));
    assertThat(LAMBDA * extremes.largest()).isCloseTo(mu[1], withinPercentage(1e-8));
    assertThat(extremes.residual()).isLessThan(1e-12);
  }

  @Test
  void anActionOfProbabilityZeroHasNoCurvature() {
    double[] p = Golden.row(Golden.of("G1.alpha3").get("pstar"));
    double[] c =
        curvature(Divergence.parse("alpha(3)"), RowFixture.log(0.5, 0.3, 0.2), RowFixture.log(p));
    RowSpectrum.Extremes extremes = RowSpectrum.of(p, c);
    assertThat(extremes.smallest()).isZero();
    double onSupport = (p[0] * c[0] * p[2] * p[2] + p[2] * c[2] * p[0] * p[0]) * 2.0;
    assertThat(extremes.largest()).isCloseTo(onSupport, within(1e-15));
    assertThat(RowSpectrum.bounds(p, c).lower()).isZero();
    assertThat(RowSpectrum.of(new double[] {1.0, 0.0}, new double[] {1.0, Double.NaN}))
        .isEqualTo(new RowSpectrum.Extremes(0.0, 0.0, 0, 0.0));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rkl", "fkl"})
  void reproducesTheHessianOfTheGoldenMdp(String golden) {
    JsonNode expected = Golden.of("G3.mdp." + golden);
    Divergence divergence = golden.equals("rkl") ? new ReverseKl() : new ForwardKl();
    double[][] reference = {{0.7, 0.3}, {0.4, 0.6}};
    double[][] optimum = {
      Golden.row(expected.get("pistar").get(0)), Golden.row(expected.get("pistar").get(1))
    };
    // Visitation of the optimal policy: (I - gamma P^T) d = u, two states, by Cramer's rule.
    double[][] transition = {{0.9, 0.2}, {0.5, 0.1}};
    double fromFirst = optimum[0][0] * transition[0][0] + optimum[0][1] * transition[0][1];
    double fromSecond = optimum[1][0] * transition[1][0] + optimum[1][1] * transition[1][1];
    double determinant =
        (1.0 - 0.9 * fromFirst) * (1.0 - 0.9 * (1.0 - fromSecond))
            - 0.9 * fromSecond * 0.9 * (1.0 - fromFirst);
    double[] visitation = {
      (0.6 * (1.0 - 0.9 * (1.0 - fromSecond)) + 0.4 * 0.9 * fromSecond) / determinant,
      (0.4 * (1.0 - 0.9 * fromFirst) + 0.6 * 0.9 * (1.0 - fromFirst)) / determinant
    };
    double[] eigenvalues = new double[2];
    for (int s = 0; s < 2; s++) {
      double[] c = curvature(divergence, RowFixture.log(reference[s]), RowFixture.log(optimum[s]));
      RowSpectrum.Extremes extremes = RowSpectrum.of(optimum[s], c);
      assertThat(extremes.smallest()).isCloseTo(extremes.largest(), withinPercentage(1e-12));
      eigenvalues[s] = LAMBDA * visitation[s] * extremes.smallest();
    }
    Arrays.sort(eigenvalues);
    double[] expectedEigenvalues = Golden.row(expected.get("hess_eigs"));
    for (int s = 0; s < 2; s++) {
      assertThat(eigenvalues[s]).isCloseTo(expectedEigenvalues[s], withinPercentage(1e-8));
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void agreesWithADenseSolverOnRandomRows(Divergence divergence) {
    for (long seed = 0; seed < 12; seed++) {
      Random random = new Random(seed);
      int actions = new int[] {2, 3, 4, 7, 20, 60}[(int) (seed % 6)];
      double[] p = RowFixture.softmax(RowFixture.normal(random, actions, 0.0, 1.0));
      double[] logQ = RowFixture.logSoftmax(RowFixture.normal(random, actions, 0.0, 1.0));
      double[] c = curvature(divergence, logQ, RowFixture.log(p));
      double[] h = new double[actions];
      Arrays.setAll(h, a -> Math.max(c[a], divergence.curvatureAtReference()));
      assertAgreesWithDense(p, c, h, divergence.name() + ", seed " + seed);
    }
  }

  @Test
  void resolvesLongRowsAgainstADenseSolver() {
    for (long seed = 50; seed < 54; seed++) {
      Random random = new Random(seed);
      double[] p = RowFixture.softmax(RowFixture.normal(random, 200, 0.0, 1.5));
      double[] c = new double[200];
      Arrays.setAll(c, a -> Math.exp(random.nextGaussian()));
      double[] h = new double[200];
      Arrays.setAll(h, a -> Math.exp(random.nextGaussian()));
      assertAgreesWithDense(p, c, h, "seed " + seed);
    }
  }

  @Test
  void resolvesClustersAtBothEnds() {
    // Many equal small (and large) references, as smoothing of an n-gram model leaves them.
    for (int equal : new int[] {2, 3, 10}) {
      long seed = 7;
      Random random = new Random(seed);
      double[] logits = new double[40];
      Arrays.setAll(logits, a -> a < equal ? -6.0 : a >= 40 - equal ? 2.0 : random.nextGaussian());
      double[] q = RowFixture.softmax(logits);
      double[] one = new double[40];
      Arrays.fill(one, 1.0);
      String situation = equal + " equal, seed " + seed;
      assertAgreesWithDense(q, one, one, "reverse KL, " + situation);
      double[] p = RowFixture.softmax(RowFixture.normal(random, 40, 0.0, 1.0));
      double[] c = curvature(new ForwardKl(), RowFixture.log(q), RowFixture.log(p));
      assertAgreesWithDense(p, c, one, "forward KL, " + situation);
      // Nearly equal: the two smallest differ in the tenth digit.
      Arrays.setAll(logits, a -> logits[a] + 1e-10 * a);
      assertAgreesWithDense(RowFixture.softmax(logits), one, one, "nearly " + situation);
    }
    double[] uniform = new double[16];
    Arrays.fill(uniform, 1.0 / 16.0);
    double[] one = new double[16];
    Arrays.fill(one, 1.0);
    RowSpectrum.Extremes extremes = RowSpectrum.of(uniform, one);
    assertThat(extremes.smallest()).isCloseTo(1.0 / 16.0, within(1e-15));
    assertThat(extremes.largest()).isCloseTo(1.0 / 16.0, within(1e-15));
    assertThat(extremes.residual()).isLessThan(1e-10);
  }

  private static void assertAgreesWithDense(double[] p, double[] c, double[] h, String situation) {
    double[] gradient = DenseCurvature.eigenvalues(DenseCurvature.curvature(p, c));
    assertEnds(RowSpectrum.of(p, c), RowSpectrum.bounds(p, c), gradient, situation);
    double[] metric = new double[p.length];
    Arrays.setAll(metric, a -> p[a] * h[a]);
    double[] preconditioned =
        DenseCurvature.eigenvalues(DenseCurvature.scaled(DenseCurvature.curvature(p, c), metric));
    assertEnds(
        RowSpectrum.preconditioned(p, c, h),
        RowSpectrum.preconditionedBounds(p, c, h),
        preconditioned,
        "preconditioned, " + situation);
  }

  private static void assertEnds(
      RowSpectrum.Extremes extremes, RowSpectrum.Bounds bounds, double[] dense, String situation) {
    double rounding = 1e-14 * dense[dense.length - 1];
    assertThat(dense[0]).as(situation).isCloseTo(0.0, within(10.0 * rounding));
    assertThat(extremes.smallest())
        .as(situation)
        .isCloseTo(dense[1], within(DENSE * dense[1] + rounding));
    assertThat(extremes.largest())
        .as(situation)
        .isCloseTo(dense[dense.length - 1], within(DENSE * dense[dense.length - 1]));
    assertThat(extremes.residual()).as(situation).isLessThan(1e-9);
    assertThat(bounds.lower()).as(situation).isBetween(0.0, extremes.smallest() * (1.0 + 1e-13));
    assertThat(bounds.upper())
        .as(situation)
        .isGreaterThanOrEqualTo(extremes.largest() * (1.0 - 1e-13));
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void preconditionedSpectrumIsThatOfTheDirectionsDerivative(Divergence divergence) {
    long seed = 11;
    Random random = new Random(seed);
    int actions = 6;
    double[] logQ = RowFixture.logSoftmax(RowFixture.normal(random, actions, 0.0, 0.5));
    double[] values = RowFixture.normal(random, actions, 0.0, 0.1);
    RowOptimumSolver solver = new RowOptimumSolver(divergence, LAMBDA);
    double[] logits = solver.logPolicy(solver.solve(logQ, values), logQ, values);
    double[] p = RowFixture.softmax(logits);
    double[] c = curvature(divergence, logQ, RowFixture.log(p));
    for (String kind : new String[] {"natural", "preconditioned", "newton"}) {
      double[] h = new double[actions];
      Arrays.setAll(h, a -> preconditioner(kind, c[a], divergence.curvatureAtReference()));
      RealMatrix derivative = new Array2DRowRealMatrix(actions, actions);
      double step = 1e-6;
      for (int b = 0; b < actions; b++) {
        double[] up = logits.clone();
        double[] down = logits.clone();
        up[b] += step;
        down[b] -= step;
        double[] above = direction(divergence, kind, up, logQ, values);
        double[] below = direction(divergence, kind, down, logQ, values);
        for (int a = 0; a < actions; a++) {
          // W^{1/2} (-J) W^{-1/2}, symmetric.
          derivative.setEntry(
              a, b, -(above[a] - below[a]) / (2.0 * step) * Math.sqrt(p[a] * h[a] / (p[b] * h[b])));
        }
      }
      double[] dense = DenseCurvature.eigenvalues(derivative);
      RowSpectrum.Extremes extremes = RowSpectrum.preconditioned(p, c, h);
      String situation = "%s, %s, seed %d".formatted(divergence.name(), kind, seed);
      assertThat(extremes.smallest()).as(situation).isCloseTo(dense[1], within(1e-7));
      assertThat(extremes.largest()).as(situation).isCloseTo(dense[actions - 1], within(1e-7));
    }
  }

  private static double preconditioner(String kind, double curvature, double atReference) {
    return switch (kind) {
      case "natural" -> 1.0;
      case "newton" -> curvature;
      default -> Math.max(curvature, atReference);
    };
  }

  /** An optimizer's direction as it is defined, in the logits. */
  private static double[] direction(
      Divergence divergence, String kind, double[] logits, double[] logQ, double[] values) {
    double[] logP = RowFixture.logSoftmax(logits);
    double[] g = new double[logP.length];
    double mean = 0.0;
    for (int a = 0; a < g.length; a++) {
      g[a] = values[a] - LAMBDA * divergence.derivative(logP[a] - logQ[a]);
      mean += Math.exp(logP[a]) * g[a];
    }
    for (int a = 0; a < g.length; a++) {
      double c = divergence.curvature(logP[a] - logQ[a]);
      g[a] = (g[a] - mean) / (LAMBDA * preconditioner(kind, c, divergence.curvatureAtReference()));
    }
    return g;
  }

  @Test
  void naturalStepOfReverseKlHasOneEigenvalue() {
    double[] p = RowFixture.softmax(RowFixture.normal(new Random(3), 500, 0.0, 4.0));
    double[] one = new double[500];
    Arrays.fill(one, 1.0);
    RowSpectrum.Extremes extremes = RowSpectrum.preconditioned(p, one, one);
    assertThat(extremes.smallest()).isCloseTo(1.0, within(1e-14));
    assertThat(extremes.largest()).isCloseTo(1.0, within(1e-14));
  }

  @Test
  void keepsItsRelativeAccuracyOverThirtyOrdersOfMagnitude() {
    // Three actions of a closed form: H's smallest eigenvalue is eps + O(eps^2) terms that a dense
    // solver cannot see beside the largest one.
    double eps = 1e-30;
    double[] p = {0.5, 0.5 - eps, eps};
    RowSpectrum.Extremes extremes = RowSpectrum.of(p, new double[] {1.0, 1.0, 1.0});
    // On x orthogonal to 1 and to (1, -1, 0): x = (1, 1, -2) / sqrt 6, variance eps * 9 / 6.
    assertThat(extremes.smallest()).isCloseTo(1.5 * eps, withinPercentage(1e-10));
    assertThat(extremes.largest()).isCloseTo(0.5, withinPercentage(1e-10));
  }

  @Test
  void rejectsWhatIsNoRow() {
    double[] half = {0.5, 0.5};
    double[] one = {1.0, 1.0};
    assertThatThrownBy(() -> RowSpectrum.of(new double[] {1.0}, new double[] {1.0}))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RowSpectrum.of(half, new double[] {1.0, Double.NaN}))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("action 1");
    assertThatThrownBy(() -> RowSpectrum.of(new double[] {Double.NaN, 0.5}, one))
        .isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> RowSpectrum.preconditioned(half, one, new double[] {1.0, 0.0}))
        .isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> RowSpectrum.preconditioned(half, one, new double[] {1.0}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static double[] curvature(Divergence divergence, double[] logQ, double[] logP) {
    double[] c = new double[logP.length];
    Arrays.setAll(c, a -> divergence.curvature(logP[a] - logQ[a]));
    return c;
  }
}
