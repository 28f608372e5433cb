package dev.clipkl.objective;

/**
 * Pearson chi-squared divergence: {@code f(w) = (w - 1)^2}. No barrier: an optimum may have exact
 * zeros.
 */
public record ChiSquared() implements Divergence {
  private static final double LOG_2 = Math.log(2.0);

  @Override
  public String name() {
    return "chi2";
  }

  @Override
  public double derivative(double logRatio) {
    return 2.0 * Math.expm1(logRatio);
  }

  @Override
  public double curvature(double logRatio) {
    return 2.0 * Math.exp(logRatio);
  }

  @Override
  public double logSecondDerivative(double logRatio) {
    return Double.isNaN(logRatio) ? Double.NaN : LOG_2;
  }

  @Override
  public double strongConvexity(double leastLogReference, double largestLogReference) {
    return 2.0 * Math.exp(-largestLogReference);
  }

  @Override
  public double weightedDerivative(double logProbability, double logReference) {
    return 2.0 * Exponentials.difference(2.0 * logProbability - logReference, logProbability);
  }

  @Override
  public double productDerivative(double logRatio) {
    return 4.0 * Math.exp(logRatio) - 2.0;
  }

  @Override
  public double bregman(double logRatio, double logOther) {
    if (logOther == Double.NEGATIVE_INFINITY) {
      return Math.exp(2.0 * logRatio);
    }
    double difference = Math.exp(logOther) * Math.expm1(logRatio - logOther);
    return difference * difference;
  }

  @Override
  public double derivativeSupremum() {
    return Double.POSITIVE_INFINITY;
  }

  @Override
  public double derivativeAtZero() {
    return -2.0;
  }

  @Override
  public double logInverseDerivative(double t) {
    return t <= -2.0 ? Double.NEGATIVE_INFINITY : Math.log1p(0.5 * t);
  }

  @Override
  public double conjugate(double t) {
    return t <= -2.0 ? -1.0 : t + 0.25 * t * t;
  }
}
