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
