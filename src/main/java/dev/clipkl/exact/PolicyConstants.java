package dev.clipkl.exact;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * What the softmax constants of policy-gradient analyses are at one row, beside their suprema over
 * all rows (THEORY 3). Each takes {@code psi_a = grad log p_a = e_a - p} and {@code H = diag(p) - p
 * p^T}, in the logits, Euclidean and spectral norms.
 *
 * @param largestScoreNorm {@code max_a |psi_a|}, at most {@link #SCORE_NORM_BOUND}
 * @param scoreGradientNorm {@code |H|}, the norm of psi's derivative, at most {@link
 *     #SCORE_GRADIENT_BOUND}
 * @param probabilityCurvature {@code max_a |p_a (psi_a psi_a^T - H)|}, the norm of the Hessian of
 *     p_a, at most {@link #PROBABILITY_CURVATURE_BOUND}: a value that one of the actions attains
 * @param probabilityCurvatureUpper no action exceeds this; equal to {@code probabilityCurvature}
 *     unless more than {@link #MOST_CANDIDATES} actions come close to the maximum
 */
public record PolicyConstants(
    double largestScoreNorm,
    double scoreGradientNorm,
    double probabilityCurvature,
    double probabilityCurvatureUpper) {

  /** {@code sup |psi| = sqrt 2}, approached where another action's probability tends to 1. */
  public static final double SCORE_NORM_BOUND = Math.sqrt(2.0);

  /** {@code sup |H| = 1/2}, at two actions of probability 1/2; analyses often take 1. */
  public static final double SCORE_GRADIENT_BOUND = 0.5;

  /** {@code sup |grad^2 p_a| = 1 / (3 sqrt 3)}, at p = 0.7887 and 0.2113; analyses often take 3. */
  public static final double PROBABILITY_CURVATURE_BOUND = 1.0 / (3.0 * Math.sqrt(3.0));

  /** How many actions are evaluated at most for {@code probabilityCurvature}. */
  public static final int MOST_CANDIDATES = 32;

  /**
   * The constants at one row.
   *
   * <p>The Hessian of p_a is evaluated in O(V) for one action after another, in the order of the
   * bound {@code p_a max(|psi_a|^2 - min p, |H|)}, until no bound exceeds what was found.
   *
   * @param probabilities p, {@code [actions]}, summing to 1
   * @throws IllegalArgumentException when there are fewer than two actions
   * @throws ArithmeticException when a probability is negative or not finite
   */
  public static PolicyConstants of(double[] probabilities) {
    double[] one = new double[probabilities.length];
    Arrays.fill(one, 1.0);
    double scoreGradient = RowSpectrum.of(probabilities, one).largest();
    double squared = 0.0;
    double least = Double.POSITIVE_INFINITY;
    for (double p : probabilities) {
      squared += p * p;
      least = Math.min(least, p);
    }
    double[] bounds = new double[probabilities.length];
    for (int a = 0; a < bounds.length; a++) {
      double scoreNorm = 1.0 - 2.0 * probabilities[a] + squared;
      bounds[a] = probabilities[a] * Math.max(scoreNorm - least, scoreGradient);
    }
    int[] candidates =
        IntStream.range(0, bounds.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer a) -> bounds[a]).reversed())
            .limit(MOST_CANDIDATES + 1L)
            .mapToInt(Integer::intValue)
            .toArray();
    ProbabilityHessian hessian = new ProbabilityHessian(probabilities, scoreGradient);
    double attained = 0.0;
    int evaluated = 0;
    while (evaluated < candidates.length
        && evaluated < MOST_CANDIDATES
        && bounds[candidates[evaluated]] > attained) {
      attained = Math.max(attained, hessian.norm(candidates[evaluated]));
      evaluated++;
    }
    double unevaluated = evaluated < candidates.length ? bounds[candidates[evaluated]] : 0.0;
    return new PolicyConstants(
        Math.sqrt(1.0 - 2.0 * least + squared),
        scoreGradient,
        attained,
        Math.max(attained, unevaluated));
  }
}
