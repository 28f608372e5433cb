package dev.clipkl.objective;

import static dev.clipkl.objective.Exponentials.expMinusLinear;

/**
 * Forward Kullback-Leibler divergence {@code KL(q || p) = sum q log(q / p)}: {@code f(w) = -log w +
 * w - 1}. Mass-covering; infinite where a probability goes to zero.
 */
public record ForwardKl() implements Divergence {
  @Override
  public String name() {
    return "forward-kl";
  }

  @Override
  public double derivative(double logRatio) {
    return -Math.expm1(-logRatio);
  }

  @Override
  public double curvature(double logRatio) {
    return Math.exp(-logRatio);
  }

  @Override
  public double logSecondDerivative(double logRatio) {
    return -2.0 * logRatio;
  }

  @Override
  public double strongConvexity(double leastLogReference, double largestLogReference) {
    return Math.exp(leastLogReference);
  }

  @Override
  public double weightedDerivative(double logProbability, double logReference) {
    return Exponentials.difference(logProbability, logReference);
  }

  @Override
  public double productDerivative(double logRatio) {
    return Double.isNaN(logRatio) ? Double.NaN : 1.0;
  }

  @Override
  public double bregman(double logRatio, double logOther) {
    return logRatio == Double.NEGATIVE_INFINITY
        ? Double.POSITIVE_INFINITY
        : expMinusLinear(logRatio - logOther);
  }

  @Override
  public double derivativeSupremum() {
    return 1.0;
  }

  @Override
  public double belowSupremum(double logRatio) {
    return Math.exp(-logRatio);
  }

  @Override
  public double derivativeAtZero() {
    return Double.NEGATIVE_INFINITY;
  }

  @Override
  public double logInverseDerivative(double belowSupremum) {
    return -Math.log(belowSupremum);
  }

  @Override
  public double conjugate(double belowSupremum) {
    return -Math.log(belowSupremum);
  }
}
