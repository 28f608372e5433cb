package dev.clipkl.objective;

import static dev.clipkl.objective.Exponentials.expMinusLinear;
import static dev.clipkl.objective.Exponentials.scaledExpMinusLinear;

/**
 * Jensen-Shannon divergence: {@code f(w) = (w log w - (1 + w) log((1 + w) / 2)) / 2}, at most
 * {@code log 2}.
 */
public record JensenShannon() implements Divergence {
  private static final double LOG_2 = Math.log(2.0);

  @Override
  public String name() {
    return "js";
  }

  @Override
  public double derivative(double logRatio) {
    return 0.5 * (LOG_2 - Exponentials.softplus(-logRatio));
  }

  @Override
  public double curvature(double logRatio) {
    return 0.5 * Math.exp(-Exponentials.softplus(logRatio));
  }

  @Override
  public double logSecondDerivative(double logRatio) {
    return -LOG_2 - logRatio - Exponentials.softplus(logRatio);
  }

  @Override
  public double strongConvexity(double leastLogReference, double largestLogReference) {
    double leastReference = Math.exp(leastLogReference);
    return 0.5 * leastReference / (1.0 + leastReference);
  }

  @Override
  public double weightedDerivative(double logProbability, double logReference) {
    return logProbability == Double.NEGATIVE_INFINITY
        ? 0.0
        : Math.exp(logProbability) * derivative(logProbability - logReference);
  }

  @Override
  public double productDerivative(double logRatio) {
    return derivative(logRatio) + curvature(logRatio);
  }

  /**
   * With {@code x = log w - log v} and {@code m = log((1 + w) / (1 + v))}: {@code (w (e^{-x} - 1 +
   * x) - (1 + w) (e^{-m} - 1 + m)) / 2}, where the linear parts have cancelled exactly.
   */
  @Override
  public double bregman(double logRatio, double logOther) {
    if (logRatio == Double.NEGATIVE_INFINITY) {
      return 0.5 * Exponentials.softplus(logOther);
    }
    double w = Math.exp(logRatio);
    double v = Math.exp(logOther);
    double logMix = Math.log1p(v * Math.expm1(logRatio - logOther) / (1.0 + v));
    return 0.5
        * (scaledExpMinusLinear(logRatio, logOther - logRatio)
            - (1.0 + w) * expMinusLinear(-logMix));
  }

  @Override
  public double derivativeSupremum() {
    return 0.5 * LOG_2;
  }

  @Override
  public double belowSupremum(double logRatio) {
    return 0.5 * Exponentials.softplus(-logRatio);
  }

  @Override
  public double derivativeAtZero() {
    return Double.NEGATIVE_INFINITY;
  }

  @Override
  public double logInverseDerivative(double belowSupremum) {
    return -2.0 * belowSupremum - Math.log(-Math.expm1(-2.0 * belowSupremum));
  }

  @Override
  public double conjugate(double belowSupremum) {
    return -0.5 * (LOG_2 + Math.log(-Math.expm1(-2.0 * belowSupremum)));
  }
}
