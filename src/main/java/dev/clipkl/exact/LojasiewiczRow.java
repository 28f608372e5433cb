package dev.clipkl.exact;

import dev.clipkl.objective.Divergence;

/**
 * One row's Lojasiewicz inequality and certificate (THEORY 4.1).
 *
 * <p>Let {@code m_a = inf f''(x / q_a) / q_a} for x between p_a and the row's maximiser. D's second
 * derivative in p is at least m_a on that segment, so with {@code c_a = G_a - E_p G}
 *
 * <p>{@code gap <= sum_a c_a (phat_a - p_a) - lambda m_a (phat_a - p_a)^2 / 2 <= sum_a c_a^2 / (2
 * lambda m_a)},
 *
 * <p>the certificate. The row gradient is {@code g_a = p_a c_a}, so {@code |g|^2 >= 2 lambda kappa
 * gap} with {@code kappa = min_a p_a^2 m_a}. For a direction {@code delta_a = c_a / (lambda h_a)},
 * {@code <g, delta> = sum_a (c_a^2 / (2 lambda m_a)) (2 p_a m_a / h_a) >= 2 kappa_h gap} with
 * {@code kappa_h = min_a p_a m_a / h_a}; the gradient is the case {@code h_a = 1 / (lambda p_a)},
 * {@code kappa_h = lambda kappa}. A step e that is certified by {@code l(new) >= l + sigma e <g,
 * delta>} therefore closes at least the part {@code 2 sigma e kappa_h} of the gap.
 *
 * @param logKappa {@code log kappa}; kappa itself underflows for rare actions; negative infinity
 *     where an action has no probability
 * @param certificate an upper bound of the row's gap, {@code l(phat) - l(p)}; infinite where it
 *     bounds nothing
 * @param squaredGradientNorm {@code |g|^2}
 */
public record LojasiewiczRow(double logKappa, double certificate, double squaredGradientNorm) {

  /**
   * The row's numbers. NaN in an input makes the results that it enters NaN.
   *
   * @param logReference log q, {@code [actions]}, nats
   * @param logPolicy log p, {@code [actions]}, nats; negative infinity where p is 0
   * @param logOptimum log of the row's maximiser for the same action values, {@code [actions]},
   *     nats; negative infinity where it is 0
   * @param coefficients {@code G = A - lambda f'(w)}, {@code [actions]}, up to a constant
   */
  public static LojasiewiczRow of(
      Divergence divergence,
      double lambda,
      double[] logReference,
      double[] logPolicy,
      double[] logOptimum,
      double[] coefficients) {
    double mean = 0.0;
    for (int a = 0; a < logPolicy.length; a++) {
      double probability = Math.exp(logPolicy[a]);
      // An infinite f' at a probability of zero has no weight.
      mean += probability == 0.0 ? 0.0 : probability * coefficients[a];
    }
    double logKappa = Double.POSITIVE_INFINITY;
    double certificate = 0.0;
    double squaredNorm = 0.0;
    for (int a = 0; a < logPolicy.length; a++) {
      double logConvexity = logConvexity(divergence, logReference[a], logPolicy[a], logOptimum[a]);
      logKappa = Math.min(logKappa, logWeighted(2.0 * logPolicy[a], logConvexity));
      double centred = coefficients[a] - mean;
      if (centred != 0.0) {
        double logCentred = Math.log(Math.abs(centred));
        // Squares and convexities overflow one by one; their quotient need not.
        certificate += Math.exp(2.0 * logCentred - logConvexity);
        squaredNorm += Math.exp(2.0 * logWeighted(logPolicy[a], logCentred));
      }
    }
    return new LojasiewiczRow(logKappa, certificate / (2.0 * lambda), squaredNorm);
  }

  /** {@code kappa = min_a p_a^2 m_a}; 0 where it underflows. */
  public double kappa() {
    return Math.exp(logKappa);
  }

  /**
   * The gap that the gradient's length proves: {@code |g|^2 / (2 lambda kappa)}; infinite where
   * kappa is 0.
   */
  public double gapBound(double lambda) {
    if (logKappa == Double.NEGATIVE_INFINITY) {
      return Double.POSITIVE_INFINITY;
    }
    return Math.exp(Math.log(squaredGradientNorm) - logKappa) / (2.0 * lambda);
  }

  /**
   * {@code log kappa_h = log min_a p_a m_a / h_a} of a diagonally preconditioned direction: a step
   * e, certified by {@code l(new) >= l + sigma e <g, delta>}, closes at least {@code 2 sigma e
   * kappa_h} of the gap.
   *
   * @param logReference log q, {@code [actions]}, nats
   * @param logPolicy log p, {@code [actions]}, nats
   * @param logOptimum log of the row's maximiser, {@code [actions]}, nats
   * @param preconditioner h, {@code [actions]}; one that is not above 0 makes kappa_h 0
   */
  public static double logPreconditionedKappa(
      Divergence divergence,
      double[] logReference,
      double[] logPolicy,
      double[] logOptimum,
      double[] preconditioner) {
    double logKappa = Double.POSITIVE_INFINITY;
    for (int a = 0; a < logPolicy.length; a++) {
      if (!(preconditioner[a] > 0.0)) {
        // A curvature that has underflowed: nothing is certain.
        return Double.NEGATIVE_INFINITY;
      }
      double logConvexity = logConvexity(divergence, logReference[a], logPolicy[a], logOptimum[a]);
      double logWeighted = logWeighted(logPolicy[a], logConvexity);
      logKappa = Math.min(logKappa, logWeighted - Math.log(preconditioner[a]));
    }
    return logKappa;
  }

  /** {@code log m_a}. */
  private static double logConvexity(
      Divergence divergence, double logReference, double logPolicy, double logOptimum) {
    return divergence.leastLogSecondDerivative(logPolicy - logReference, logOptimum - logReference)
        - logReference;
  }

  /** The logarithm of a product, which is zero when its first factor is. */
  private static double logWeighted(double logWeight, double logFactor) {
    return logWeight == Double.NEGATIVE_INFINITY ? logWeight : logWeight + logFactor;
  }
}
