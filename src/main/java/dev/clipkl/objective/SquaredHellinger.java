package dev.clipkl.objective;

/** Squared Hellinger distance: {@code f(w) = (sqrt(w) - 1)^2}, at most 2. */
public record SquaredHellinger() implements Divergence {
  private static final double LOG_2 = Math.log(2.0);

  @Override
  public String name() {
    return "hellinger2";
  }

  @Override
  public double derivative(double logRatio) {
    return -Math.expm1(-0.5 * logRatio);
  }

  @Override
  public double curvature(double logRatio) {
    return 0.5 * Math.exp(-0.5 * logRatio);
  }

  @Override
  public double logSecondDerivative(double logRatio) {
    return -LOG_2 - 1.5 * logRatio;
  }

  @Override
  public double strongConvexity(double leastLogReference, double largestLogReference) {
    return 0.5 * Math.exp(0.5 * leastLogReference);
  }

  @Override
  public double weightedDerivative(double logProbability, double logReference) {
    return Exponentials.difference(logProbability, 0.5 * (logProbability + logReference));
  }

  @Override
  public double productDerivative(double logRatio) {
    return 1.0 - 0.5 * Math.exp(-0.5 * logRatio);
  }

  @Override
  public double bregman(double logRatio, double logOther) {
    double relative = Math.expm1(0.5 * (logRatio - logOther));
    return Math.exp(0.5 * logOther) * relative * relative;
  }

  @Override
  public double derivativeSupremum() {
    return 1.0;
  }

  @Override
  public double belowSupremum(double logRatio) {
    return Math.exp(-0.5 * logRatio);
  }

  @Override
  public double derivativeAtZero() {
    return Double.NEGATIVE_INFINITY;
  }

  @Override
  public double logInverseDerivative(double belowSupremum) {
    return -2.0 * Math.log(belowSupremum);
  }

  @Override
  public double conjugate(double belowSupremum) {
    return 1.0 / belowSupremum - 1.0;
  }
}
