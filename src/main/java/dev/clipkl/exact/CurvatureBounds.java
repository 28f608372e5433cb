package dev.clipkl.exact;

import dev.clipkl.objective.Divergence;

/**
 * Bounds on the norm of the objective's Hessian in the logits, and what they need of each row
 * (THEORY 3.1, 3.2). Rows combine by {@link #largest}.
 *
 * @param meanValue {@code E_q |f(w)|}, which is D(p) since f is centred
 * @param meanDerivative {@code E_p |f'(w)|}
 * @param meanCurvature {@code E_p[w f''(w)] = E_q[w^2 f''(w)]}
 * @param largestBracket {@code max_a |G_a - E_p G - lambda w_a f''(w_a)|}, {@code G = Q - lambda
 *     f'(w)}: the row Hessian's weights (THEORY 1.7)
 * @param coefficientSpan {@code max G - min G}
 */
public record CurvatureBounds(
    double meanValue,
    double meanDerivative,
    double meanCurvature,
    double largestBracket,
    double coefficientSpan) {

  /** Neutral in {@link #largest}. */
  public static final CurvatureBounds NONE = new CurvatureBounds(0.0, 0.0, 0.0, 0.0, 0.0);

  /**
   * What one row contributes. NaN in an input makes the results that it enters NaN.
   *
   * @param logReference log q, {@code [actions]}, nats
   * @param logPolicy log p, {@code [actions]}, nats; negative infinity is a probability of zero,
   *     where the largest bracket and the span take f' at its limit
   * @param actionValues Q, {@code [actions]}, without the state's own divergence
   */
  public static CurvatureBounds ofRow(
      Divergence divergence,
      double lambda,
      double[] logReference,
      double[] logPolicy,
      double[] actionValues) {
    double value = 0.0;
    double derivative = 0.0;
    double curvature = 0.0;
    double meanCoefficient = 0.0;
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < logPolicy.length; a++) {
      double logRatio = logPolicy[a] - logReference[a];
      double weighted = divergence.weightedDerivative(logPolicy[a], logReference[a]);
      double coefficient = actionValues[a] - lambda * divergence.derivative(logRatio);
      value += Math.exp(logReference[a]) * divergence.value(logRatio);
      derivative += Math.abs(weighted);
      curvature += weightedCurvature(divergence, logPolicy[a], logRatio);
      meanCoefficient += Math.exp(logPolicy[a]) * actionValues[a] - lambda * weighted;
      least = Math.min(least, coefficient);
      largest = Math.max(largest, coefficient);
    }
    double bracket = 0.0;
    for (int a = 0; a < logPolicy.length; a++) {
      // f' and w f'' can be huge and cancel, so that their sum is taken as one function.
      double slope = divergence.productDerivative(logPolicy[a] - logReference[a]);
      bracket = Math.max(bracket, Math.abs(actionValues[a] - meanCoefficient - lambda * slope));
    }
    return new CurvatureBounds(value, derivative, curvature, bracket, largest - least);
  }

  /** {@code p w f''(w)}; 0 at a probability of 0, which only policies without a barrier have. */
  private static double weightedCurvature(
      Divergence divergence, double logProbability, double logRatio) {
    return logProbability == Double.NEGATIVE_INFINITY
        ? 0.0
        : Math.exp(logProbability + logRatio + divergence.logSecondDerivative(logRatio));
  }

  /** The suprema over two rows or two policies. */
  public CurvatureBounds largest(CurvatureBounds other) {
    return new CurvatureBounds(
        Math.max(meanValue, other.meanValue),
        Math.max(meanDerivative, other.meanDerivative),
        Math.max(meanCurvature, other.meanCurvature),
        Math.max(largestBracket, other.largestBracket),
        Math.max(coefficientSpan, other.coefficientSpan));
  }

  /**
   * The paper's smoothness constant {@code L_f = 8 / (1 - gamma)^3 (r_max + lambda sup E_q|f| +
   * lambda (1 - gamma) (c_f1 + c_f2) / 2)} of V, in the reading of THEORY 3.1: {@code c_f1 = sup
   * E_p|f'|}, {@code c_f2 = sup E_p[w f'']}, the suprema over all states and over the policies that
   * were combined here. It bounds the curvature along a segment when those cover the segment.
   *
   * @param discount gamma, in [0, 1)
   * @param largestReward r_max, for rewards in [0, r_max]
   * @throws IllegalArgumentException when the discount is not in [0, 1)
   */
  public double paperSmoothness(double discount, double largestReward, double lambda) {
    double remaining = remaining(discount);
    return 8.0
        / (remaining * remaining * remaining)
        * (largestReward
            + lambda * meanValue
            + 0.5 * lambda * remaining * (meanDerivative + meanCurvature));
  }

  /**
   * The curvature bound at one policy, all of whose rows were combined here: {@code L_loc = (max|G
   * - E_p G - lambda w f''| / 2 + gamma / (2 (1 - gamma)) max span(G)) / (1 - gamma) >= |grad^2 V|}
   * (THEORY 3.2).
   *
   * @param discount gamma, in [0, 1)
   * @throws IllegalArgumentException when the discount is not in [0, 1)
   */
  public double localCurvature(double discount) {
    double remaining = remaining(discount);
    // Without a future its term is absent, even where the span is infinite.
    double future = discount == 0.0 ? 0.0 : 0.5 * discount / remaining * coefficientSpan;
    return (0.5 * largestBracket + future) / remaining;
  }

  private static double remaining(double discount) {
    if (!(discount >= 0.0 && discount < 1.0)) {
      throw new IllegalArgumentException("discount must be in [0, 1), got " + discount);
    }
    return 1.0 - discount;
  }
}
