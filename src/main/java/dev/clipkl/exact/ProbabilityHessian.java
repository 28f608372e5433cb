package dev.clipkl.exact;

import java.util.Arrays;

/**
 * Spectral norm of {@code p_a N}, {@code N = psi psi^T - H}, the Hessian of one action's
 * probability in the logits (THEORY 3), in O(V) per bisection step.
 *
 * <p>{@code N = U U^T - diag(p)} with {@code U = [p, psi]}, so that Sylvester's law counts its
 * eigenvalues above mu > 0 as the negative eigenvalues of {@code I - U^T (diag(p) + mu)^{-1} U},
 * and those of -N above mu as {@code #{p > mu}} plus the positive eigenvalues of {@code I - U^T
 * (diag(p) - mu)^{-1} U} less 2.
 */
final class ProbabilityHessian {
  private static final double ROUNDING = 1e-16;

  private final double[] probabilities;
  private final double scoreGradientNorm;
  private final double squared;

  /**
   * The Hessians of one row.
   *
   * @param scoreGradientNorm {@code |H|}
   */
  ProbabilityHessian(double[] probabilities, double scoreGradientNorm) {
    this.probabilities = probabilities;
    this.scoreGradientNorm = scoreGradientNorm;
    this.squared = Arrays.stream(probabilities).map(p -> p * p).sum();
  }

  /** The spectral norm of action a's Hessian. */
  double norm(int a) {
    double scoreNorm = 1.0 - 2.0 * probabilities[a] + squared;
    // N may have no eigenvalue of one sign: its zero is then found as a number at rounding level.
    double positive =
        Bisection.narrow(ROUNDING * scoreNorm, scoreNorm, mu -> eigenvaluesAbove(a, mu) > 0)
            .middle();
    double negative =
        Bisection.narrow(
                ROUNDING * scoreGradientNorm,
                scoreGradientNorm,
                mu -> negatedEigenvaluesAbove(a, mu) > 0)
            .middle();
    return probabilities[a] * Math.max(positive, negative);
  }

  /** Eigenvalues of N above mu > 0. */
  private int eigenvaluesAbove(int a, double mu) {
    return 2 - positiveEigenvalues(a, -mu);
  }

  /** Eigenvalues of -N above mu > 0. */
  private int negatedEigenvaluesAbove(int a, double mu) {
    int larger = 0;
    for (double p : probabilities) {
      if (p > mu) {
        larger++;
      }
    }
    return larger + positiveEigenvalues(a, mu) - 2;
  }

  /**
   * Positive eigenvalues of {@code I - U^T (diag(p) - mu)^{-1} U}, by its determinant and trace.
   */
  private int positiveEigenvalues(int a, double mu) {
    double sum = 0.0;
    for (double p : probabilities) {
      sum += p * (p / (p - mu));
    }
    double p = probabilities[a];
    double inverse = 1.0 / (p - mu);
    double first = 1.0 - sum;
    double second = 1.0 - sum - (1.0 - 2.0 * p) * inverse;
    double mixed = sum - p * inverse;
    double determinant = first * second - mixed * mixed;
    if (!Double.isFinite(determinant)) {
      // mu is itself a probability; a few ulp further on is as good.
      return positiveEigenvalues(a, mu * (1.0 + 4.0 * ROUNDING));
    }
    if (determinant > 0.0) {
      return first > 0.0 ? 2 : 0;
    }
    return 1;
  }
}
