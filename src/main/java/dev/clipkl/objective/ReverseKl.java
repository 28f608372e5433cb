package dev.clipkl.objective;

import static dev.clipkl.objective.Exponentials.scaledExpMinusLinear;

/**
 * Reverse Kullback-Leibler divergence {@code KL(p || q) = sum p log(p / q)}: {@code f(w) = w log w
 * - w + 1}. Mode-seeking; bounded by {@code log(1 / min q)} even at the simplex' boundary.
 */
public record ReverseKl() implements Divergence {
  @Override
  public String name() {
    return "reverse-kl";
  }

  @Override
  public double derivative(double logRatio) {
    return logRatio;
  }

  @Override
  public double curvature(double logRatio) {
    return 1.0;
  }

  @Override
  public double logSecondDerivative(double logRatio) {
    return -logRatio;
  }

  @Override
  public double strongConvexity(double leastLogReference, double largestLogReference) {
    return 1.0;
  }

  @Override
  public double weightedDerivative(double logProbability, double logReference) {
    return logProbability == Double.NEGATIVE_INFINITY
        ? 0.0
        : Math.exp(logProbability) * (logProbability - logReference);
  }

  @Override
  public double productDerivative(double logRatio) {
    return logRatio + 1.0;
  }

  @Override
  public double bregman(double logRatio, double logOther) {
    if (logRatio == Double.NEGATIVE_INFINITY) {
      return Math.exp(logOther);
    }
    return scaledExpMinusLinear(logRatio, logOther - logRatio);
  }

  @Override
  public double derivativeSupremum() {
    return Double.POSITIVE_INFINITY;
  }

  @Override
  public double derivativeAtZero() {
    return Double.NEGATIVE_INFINITY;
  }

  @Override
  public double logInverseDerivative(double t) {
    return t;
  }

  @Override
  public double conjugate(double t) {
    return Math.expm1(t);
  }
}
