package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import java.util.Random;
import java.util.stream.Stream;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CurvatureBoundsTest {
  private static final double LAMBDA = 0.5;

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @ValueSource(strings = {"rkl", "fkl"})
  void reproducesGoldenLocalCurvatureBounds(String golden) {
    Divergence divergence = golden.equals("rkl") ? new ReverseKl() : new ForwardKl();
    double[][][] mdp = {{{0.9, 0.1}, {0.2, 0.8}}, {{0.5, 0.5}, {0.1, 0.9}}};
    assertThat(
            localCurvature(
                divergence,
                0.9,
                mdp,
                new double[][] {{1.0, 0.0}, {0.3, 0.8}},
                new double[][] {{0.7, 0.3}, {0.4, 0.6}},
                new double[][] {{0.2, -0.1}, {0.0, 0.4}}))
        .isCloseTo(expected("G3.mdp." + golden), within(1e-10));
    double[][] next = {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}};
    assertThat(
            localCurvature(
                divergence,
                0.5,
                new double[][][] {next, next, next},
                new double[][] {{0.1, 0.9, 0.4}, {0.5, 0.2, 1.0}, {0.7, 0.3, 0.0}},
                new double[][] {{0.5, 0.3, 0.2}, {0.2, 0.5, 0.3}, {0.1, 0.3, 0.6}},
                new double[][] {{0.1, -0.2, 0.3}, {0.0, 0.5, -0.5}, {0.2, 0.2, -0.1}}))
        .isCloseTo(expected("G4.token." + golden), within(1e-10));
  }

  private static double expected(String name) {
    JsonNode node = Golden.of(name);
    return node.get("L_loc").doubleValue();
  }

  /** Evaluates the policy by a dense solve, then combines its rows. */
  private static double localCurvature(
      Divergence divergence,
      double discount,
      double[][][] transitions,
      double[][] rewards,
      double[][] reference,
      double[][] logits) {
    int states = logits.length;
    RealMatrix system = MatrixUtils.createRealIdentityMatrix(states);
    double[] immediate = new double[states];
    for (int s = 0; s < states; s++) {
      double[] logP = RowFixture.logSoftmax(logits[s]);
      for (int a = 0; a < logP.length; a++) {
        double p = Math.exp(logP[a]);
        double logRatio = logP[a] - Math.log(reference[s][a]);
        immediate[s] += p * rewards[s][a] - LAMBDA * reference[s][a] * divergence.value(logRatio);
        for (int t = 0; t < states; t++) {
          system.addToEntry(s, t, -discount * p * transitions[s][a][t]);
        }
      }
    }
    double[] values =
        new LUDecomposition(system).getSolver().solve(new ArrayRealVector(immediate)).toArray();
    CurvatureBounds bounds = CurvatureBounds.NONE;
    for (int s = 0; s < states; s++) {
      double[] q = rewards[s].clone();
      for (int a = 0; a < q.length; a++) {
        for (int t = 0; t < states; t++) {
          q[a] += discount * transitions[s][a][t] * values[t];
        }
      }
      bounds =
          bounds.largest(
              CurvatureBounds.ofRow(
                  divergence,
                  LAMBDA,
                  RowFixture.log(reference[s]),
                  RowFixture.logSoftmax(logits[s]),
                  q));
    }
    return bounds.localCurvature(discount);
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void bothConstantsBoundTheBanditsHessian(Divergence divergence) {
    for (long seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      double[] logQ = RowFixture.logSoftmax(RowFixture.normal(random, 6, 0.0, 1.0));
      double[] logP = RowFixture.logSoftmax(RowFixture.normal(random, 6, 0.0, 1.0));
      double[] rewards = random.doubles(6).toArray();
      CurvatureBounds bounds = CurvatureBounds.ofRow(divergence, LAMBDA, logQ, logP, rewards);
      double[] p = RowFixture.softmax(logP);
      // THEORY 1.7, written out: v^T hess v = E_p[(G - E_p G - lambda w f'') (v - E_p v)^2].
      double mean = 0.0;
      double[] coefficient = new double[6];
      for (int a = 0; a < 6; a++) {
        coefficient[a] = rewards[a] - LAMBDA * divergence.derivative(logP[a] - logQ[a]);
        mean += p[a] * coefficient[a];
      }
      double[] weight = new double[6];
      for (int a = 0; a < 6; a++) {
        weight[a] = coefficient[a] - mean - LAMBDA * divergence.curvature(logP[a] - logQ[a]);
      }
      double[] eigenvalues = DenseCurvature.eigenvalues(DenseCurvature.curvature(p, weight));
      double norm = Math.max(-eigenvalues[0], eigenvalues[5]);
      String situation = divergence.name() + ", seed " + seed;
      assertThat(bounds.localCurvature(0.0)).as(situation).isBetween(norm, 100.0 * norm);
      assertThat(bounds.paperSmoothness(0.0, 1.0, LAMBDA)).as(situation).isGreaterThan(norm);
    }
  }

  @Test
  void paperConstantFollowsItsFormula() {
    CurvatureBounds bounds = new CurvatureBounds(0.25, 0.5, 2.0, 0.0, 0.0);
    assertThat(bounds.paperSmoothness(0.5, 3.0, 0.4))
        .isCloseTo(64.0 * (3.0 + 0.4 * 0.25 + 0.4 * 0.5 * 2.5 / 2.0), within(1e-12));
  }

  @Test
  void forwardKlStaysFiniteWhereItsRatiosOverflow() {
    // f' and w f'' are infinite beside a probability of e^-800; their sum is 1.
    double[] logQ = RowFixture.log(0.5, 0.5);
    double[] logP = {0.0, -800.0};
    CurvatureBounds bounds =
        CurvatureBounds.ofRow(new ForwardKl(), LAMBDA, logQ, logP, new double[] {1.0, 0.0});
    // E_p G = 1 - lambda (1 - 1) = 1, so the brackets are -lambda and -1 - lambda.
    assertThat(bounds.largestBracket()).isCloseTo(1.5, within(1e-14));
    assertThat(bounds.meanDerivative()).isCloseTo(1.0, within(1e-14));
    // Exponents near 800 carry a rounding of 1e-13.
    assertThat(bounds.meanCurvature()).isCloseTo(1.0, within(2e-13));
    assertThat(bounds.localCurvature(0.0)).isCloseTo(0.75, within(1e-14));
  }

  @Test
  void rejectsADiscountOfOne() {
    assertThatThrownBy(() -> CurvatureBounds.NONE.localCurvature(1.0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("discount must be in [0, 1), got 1.0");
    assertThatThrownBy(() -> CurvatureBounds.NONE.paperSmoothness(Double.NaN, 1.0, 1.0))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
