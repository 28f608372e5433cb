package dev.clipkl.objective;

import static dev.clipkl.objective.Exponentials.expMinusLinear;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Alpha divergence: {@code f(w) = (w^alpha - alpha w + alpha - 1) / (alpha (alpha - 1))}. Its
 * limits are reverse KL (alpha to 1) and forward KL (alpha to 0); alpha 2 is half of Pearson
 * chi-squared.
 *
 * <p>For alpha below 1 f' is bounded above and f is a barrier; for alpha above 1 an optimum may
 * have exact zeros.
 *
 * @param alpha finite, neither 0 nor 1
 */
public record AlphaDivergence(double alpha) implements Divergence {
  private static final Pattern NAME = Pattern.compile("alpha\\(\\s*([^)\\s]+)\\s*\\)");

  public AlphaDivergence {
    if (!Double.isFinite(alpha) || alpha == 0.0 || alpha == 1.0) {
      throw new IllegalArgumentException(
          "alpha must be finite and neither 0 (that is forward-kl) nor 1 (that is reverse-kl), got "
              + alpha);
    }
  }

  static AlphaDivergence parse(String name) {
    Matcher matcher = NAME.matcher(name);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "a divergence must be forward-kl, reverse-kl, js, chi2, hellinger2 or alpha(X), got "
              + name);
    }
    try {
      return new AlphaDivergence(Double.parseDouble(matcher.group(1)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("alpha(X) needs a number, got " + matcher.group(1), e);
    }
  }

  @Override
  public String name() {
    return "alpha(" + alpha + ")";
  }

  @Override
  public double derivative(double logRatio) {
    return Math.expm1((alpha - 1.0) * logRatio) / (alpha - 1.0);
  }

  @Override
  public double curvature(double logRatio) {
    return Math.exp((alpha - 1.0) * logRatio);
  }

  @Override
  public double logSecondDerivative(double logRatio) {
    return alpha == 2.0 && logRatio == Double.NEGATIVE_INFINITY ? 0.0 : (alpha - 2.0) * logRatio;
  }

  @Override
  public double strongConvexity(double leastLogReference, double largestLogReference) {
    if (alpha > 2.0) {
      return 0.0;
    }
    return Math.exp((1.0 - alpha) * (alpha < 1.0 ? leastLogReference : largestLogReference));
  }

  @Override
  public double weightedDerivative(double logProbability, double logReference) {
    return Exponentials.difference(
            alpha * logProbability + (1.0 - alpha) * logReference, logProbability)
        / (alpha - 1.0);
  }

  @Override
  public double productDerivative(double logRatio) {
    return alpha * Math.expm1((alpha - 1.0) * logRatio) / (alpha - 1.0) + 1.0;
  }

  /**
   * With {@code x = log w - log v}: {@code v^alpha (phi(alpha x) - alpha phi(x)) / (alpha (alpha -
   * 1))}, {@code phi(x) = e^x - 1 - x}, where the linear parts have cancelled exactly.
   */
  @Override
  public double bregman(double logRatio, double logOther) {
    if (logOther == Double.NEGATIVE_INFINITY) {
      return Math.exp(alpha * logRatio) / (alpha * (alpha - 1.0));
    }
    if (logRatio == Double.NEGATIVE_INFINITY) {
      return alpha > 0.0 ? Math.exp(alpha * logOther) / alpha : Double.POSITIVE_INFINITY;
    }
    double x = logRatio - logOther;
    return Math.exp(alpha * logOther)
        * (expMinusLinear(alpha * x) - alpha * expMinusLinear(x))
        / (alpha * (alpha - 1.0));
  }

  @Override
  public double derivativeSupremum() {
    return alpha < 1.0 ? 1.0 / (1.0 - alpha) : Double.POSITIVE_INFINITY;
  }

  @Override
  public double belowSupremum(double logRatio) {
    return alpha < 1.0
        ? Math.exp((alpha - 1.0) * logRatio) / (1.0 - alpha)
        : Double.POSITIVE_INFINITY;
  }

  @Override
  public double derivativeAtZero() {
    return alpha < 1.0 ? Double.NEGATIVE_INFINITY : -1.0 / (alpha - 1.0);
  }

  @Override
  public double logInverseDerivative(double t) {
    if (alpha < 1.0) {
      return -Math.log((1.0 - alpha) * t) / (1.0 - alpha);
    }
    return t <= derivativeAtZero()
        ? Double.NEGATIVE_INFINITY
        : Math.log1p((alpha - 1.0) * t) / (alpha - 1.0);
  }

  @Override
  public double conjugate(double t) {
    if (alpha < 1.0) {
      return (Math.pow((1.0 - alpha) * t, alpha / (alpha - 1.0)) - 1.0) / alpha;
    }
    return t <= derivativeAtZero()
        ? -1.0 / alpha
        : Math.expm1(alpha / (alpha - 1.0) * Math.log1p((alpha - 1.0) * t)) / alpha;
  }
}
