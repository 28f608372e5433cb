package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.RowFixture;
import java.util.Arrays;
import java.util.Random;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.RealVector;
import org.junit.jupiter.api.Test;

final class PolicyConstantsTest {
  @Test
  void agreesWithDenseMatricesOnShortRows() {
    for (long seed = 0; seed < 150; seed++) {
      Random random = new Random(seed);
      int actions = 2 + (int) (seed % 7);
      double[] p =
          RowFixture.softmax(RowFixture.normal(random, actions, 0.0, 0.3 + 2.0 * (seed % 3)));
      RealMatrix jacobian = DenseCurvature.softmaxJacobian(p);
      double score = 0.0;
      double curvature = 0.0;
      for (int a = 0; a < actions; a++) {
        RealVector psi = new ArrayRealVector(p).mapMultiply(-1.0);
        psi.addToEntry(a, 1.0);
        score = Math.max(score, psi.getNorm());
        RealMatrix hessian = psi.outerProduct(psi).subtract(jacobian).scalarMultiply(p[a]);
        curvature = Math.max(curvature, norm(hessian));
      }
      PolicyConstants constants = PolicyConstants.of(p);
      String situation = "seed " + seed + ": " + Arrays.toString(p);
      assertThat(constants.largestScoreNorm()).as(situation).isCloseTo(score, within(1e-14));
      assertThat(constants.scoreGradientNorm())
          .as(situation)
          .isCloseTo(norm(jacobian), within(1e-13));
      assertThat(constants.probabilityCurvature())
          .as(situation)
          .isCloseTo(curvature, within(1e-13));
      assertThat(constants.probabilityCurvatureUpper())
          .as(situation)
          .isEqualTo(constants.probabilityCurvature());
      assertWithinBounds(constants, situation);
    }
  }

  private static void assertWithinBounds(PolicyConstants constants, String situation) {
    assertThat(constants.largestScoreNorm())
        .as(situation)
        .isLessThanOrEqualTo(PolicyConstants.SCORE_NORM_BOUND);
    assertThat(constants.scoreGradientNorm())
        .as(situation)
        .isLessThanOrEqualTo(PolicyConstants.SCORE_GRADIENT_BOUND + 1e-15);
    assertThat(constants.probabilityCurvature())
        .as(situation)
        .isLessThanOrEqualTo(PolicyConstants.PROBABILITY_CURVATURE_BOUND + 1e-15);
  }

  @Test
  void boundsAreAttainedWhereTheTheorySaysSo() {
    double maximiser = 0.5 + 0.5 / Math.sqrt(3.0);
    assertThat(PolicyConstants.of(new double[] {maximiser, 1.0 - maximiser}).probabilityCurvature())
        .isCloseTo(PolicyConstants.PROBABILITY_CURVATURE_BOUND, within(1e-15));
    assertThat(PolicyConstants.of(new double[] {0.5, 0.5}).scoreGradientNorm()).isEqualTo(0.5);
    assertThat(PolicyConstants.of(new double[] {0.5, 0.5}).probabilityCurvature())
        .isLessThan(1e-15);
    assertThat(PolicyConstants.of(new double[] {1.0 - 1e-12, 1e-12}).largestScoreNorm())
        .isCloseTo(PolicyConstants.SCORE_NORM_BOUND, within(1e-11));
  }

  @Test
  void evaluatesFewActionsOfAVocabularyAndSaysWhatItLeftOut() {
    long seed = 31;
    Random random = new Random(seed);
    double[] p = RowFixture.softmax(RowFixture.zipfLogReference(random, 20_000));
    PolicyConstants zipf = PolicyConstants.of(p);
    assertThat(zipf.probabilityCurvatureUpper())
        .as("seed %d", seed)
        .isEqualTo(zipf.probabilityCurvature());
    assertWithinBounds(zipf, "seed " + seed);
    // One action at 1/2 has no curvature of its own, and thousands are nearly equal.
    double[] flat = new double[20_000];
    double sum = 0.0;
    for (int a = 1; a < flat.length; a++) {
      flat[a] = 1.0 + 1e-3 * random.nextDouble();
      sum += flat[a];
    }
    for (int a = 1; a < flat.length; a++) {
      flat[a] *= 0.5 / sum;
    }
    flat[0] = 0.5;
    PolicyConstants constants = PolicyConstants.of(flat);
    assertThat(constants.probabilityCurvatureUpper())
        .as("seed %d", seed)
        .isBetween(constants.probabilityCurvature(), 1.1 * constants.probabilityCurvature());
  }

  private static double norm(RealMatrix symmetric) {
    double[] eigenvalues = DenseCurvature.eigenvalues(symmetric);
    return Math.max(-eigenvalues[0], eigenvalues[eigenvalues.length - 1]);
  }
}
