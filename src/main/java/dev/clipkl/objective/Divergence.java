package dev.clipkl.objective;

/**
 * A smooth f-divergence {@code D(p) = sum_a q_a f(w_a)}, {@code w = p / q}, in nats, with f
 * centred: {@code f(1) = f'(1) = 0}, so that every term is at least zero.
 *
 * <p>Every function takes {@code logRatio = log w = log p - log q}, because at vocabulary scale the
 * ratio itself under- and overflows. Arguments may be negative infinity (a probability of zero);
 * results are then the limits. NaN in gives NaN out.
 *
 * <p>Conjugate arguments {@code t} are the values of f': {@code t_a = (y_a - nu) / lambda} at a row
 * optimum. Where f' has a finite supremum, {@code belowSupremum = sup f' - t > 0} is the argument
 * instead, which keeps its digits when t approaches the supremum.
 */
public sealed interface Divergence
    permits ReverseKl, ForwardKl, JensenShannon, AlphaDivergence, ChiSquared, SquaredHellinger {

  /** The configuration's name, for instance {@code forward-kl} or {@code alpha(0.5)}. */
  String name();

  /** {@code f'(w)}. */
  double derivative(double logRatio);

  /** {@code w f''(w)}: the curvature that preconditioners divide by. */
  double curvature(double logRatio);

  /**
   * {@code log f''(w)}, in logarithms because f'' itself under- and overflows at vocabulary scale.
   */
  double logSecondDerivative(double logRatio);

  /**
   * {@code f''(w) = curvature(log w) / w}; positive infinity at a probability of zero where f'' has
   * a pole there.
   */
  default double secondDerivative(double logRatio) {
    return Math.exp(logSecondDerivative(logRatio));
  }

  /**
   * {@code log inf f''} over the segment between two ratios, in either order.
   *
   * <p>The infimum is at an end, since every f'' here is a multiple of a power of w, or of {@code 1
   * / (w (1 + w))}, and so monotone.
   */
  default double leastLogSecondDerivative(double logRatio, double otherLogRatio) {
    return Math.min(logSecondDerivative(logRatio), logSecondDerivative(otherLogRatio));
  }

  /** {@code inf f''} over the segment between two ratios; see {@link #leastLogSecondDerivative}. */
  default double leastSecondDerivative(double logRatio, double otherLogRatio) {
    return Math.exp(leastLogSecondDerivative(logRatio, otherLogRatio));
  }

  /**
   * The strong convexity of D in p (THEORY 1.9): {@code m = inf over p in (0, 1] and a of f''(p /
   * q_a) / q_a}, so that a row's surrogate is {@code lambda m}-strongly concave in its
   * probabilities.
   *
   * @param leastLogReference {@code min_a log q_a}
   * @param largestLogReference {@code max_a log q_a}
   */
  double strongConvexity(double leastLogReference, double largestLogReference);

  /**
   * {@code p f'(w)}, fused so that a probability of zero gives the limit and not zero times
   * infinity (THEORY 1.10).
   */
  double weightedDerivative(double logProbability, double logReference);

  /**
   * {@code (w f'(w))' = f'(w) + w f''(w)}, fused because the two parts can be huge and cancel: for
   * forward KL the sum is 1 at every w (THEORY 1.7).
   */
  double productDerivative(double logRatio);

  /**
   * The Bregman divergence {@code B_f(w, v) = f(w) - f(v) - f'(v) (w - v) >= 0}, without
   * cancellation when w is close to v.
   *
   * @param logRatio log w
   * @param logOther log v
   */
  double bregman(double logRatio, double logOther);

  /** {@code f(w) = B_f(w, 1)}, since f is centred. */
  default double value(double logRatio) {
    return bregman(logRatio, 0.0);
  }

  /** {@code f''(1)}: the curvature at the reference. */
  default double curvatureAtReference() {
    return curvature(0.0);
  }

  /** The supremum of f', positive infinity where f' is unbounded above. */
  double derivativeSupremum();

  /**
   * {@code sup f' - f'(w)}, which keeps its digits where w is large; infinite where f' is unbounded
   * above.
   */
  default double belowSupremum(double logRatio) {
    return derivativeSupremum() - derivative(logRatio);
  }

  /**
   * {@code f'(0+)}, negative infinity where f is a barrier that keeps every probability above 0.
   */
  double derivativeAtZero();

  /**
   * {@code log g(t)} with {@code g = (f')^{-1}}; negative infinity for {@code t <= f'(0+)}.
   *
   * @param t a value of f', or, where the supremum of f' is finite, {@code sup f' - t}
   */
  double logInverseDerivative(double t);

  /**
   * The convex conjugate {@code f*(t) = max_w t w - f(w)}.
   *
   * @param t as for {@link #logInverseDerivative}
   */
  double conjugate(double t);

  /**
   * The Fenchel-Young gap {@code f(w) + f*(t) - t w >= 0}; zero exactly where {@code f'(w) = t}, or
   * where {@code w = 0} and {@code t <= f'(0+)}. Summed as {@code lambda sum_a q_a (.)} it is a
   * row's exact distance to its optimum (THEORY 1.10).
   *
   * @param t as for {@link #logInverseDerivative}
   */
  default double fenchelYoung(double logRatio, double t) {
    double logOther = logInverseDerivative(t);
    double gap = bregman(logRatio, logOther);
    if (logOther == Double.NEGATIVE_INFINITY) {
      gap += (derivativeAtZero() - t) * Math.exp(logRatio);
    }
    return gap;
  }

  /**
   * Parses a configuration name: {@code forward-kl}, {@code reverse-kl}, {@code js}, {@code chi2},
   * {@code hellinger2} or {@code alpha(X)}.
   *
   * @throws IllegalArgumentException with a full sentence when the name is none of these
   */
  static Divergence parse(String name) {
    return switch (name) {
      case "reverse-kl" -> new ReverseKl();
      case "forward-kl" -> new ForwardKl();
      case "js" -> new JensenShannon();
      case "chi2" -> new ChiSquared();
      case "hellinger2" -> new SquaredHellinger();
      default -> AlphaDivergence.parse(name);
    };
  }
}
