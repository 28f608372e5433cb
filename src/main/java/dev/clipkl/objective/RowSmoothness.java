package dev.clipkl.objective;

/**
 * Smoothness constants of a row's surrogate as a function of its logits (THEORY 3.3): a gradient
 * step of at most {@code 1 / L} never lowers it.
 */
public final class RowSmoothness {
  private static final double INNER_PRODUCT_BOUND = 1.0 / (3.0 * Math.sqrt(3.0));

  private RowSmoothness() {}

  /**
   * {@code L = lambda f''(1) / 2 + span(Q) / (3 sqrt 3)}: the row's constant step unit.
   *
   * <p>It is a proven bound for forward KL everywhere and for reverse KL along any run that starts
   * at the reference with a step of at most {@code 4 / lambda}; for other divergences it is the
   * curvature scale at the reference.
   *
   * @param actionValueSpan {@code max Q - min Q} over the row
   */
  public static double constant(Divergence divergence, double lambda, double actionValueSpan) {
    return 0.5 * lambda * divergence.curvatureAtReference() + INNER_PRODUCT_BOUND * actionValueSpan;
  }

  /**
   * The smoothness at the current policy: proven along the whole step for forward and reverse KL,
   * instantaneous ({@code max |G - E_p G - lambda w f''| / 2}) for the others.
   *
   * @param constant the value of {@link #constant} for this row
   * @param coefficientSpan {@code max G - min G} with {@code G = A - lambda f'(w)}
   * @param largestCurvature {@code max_a |G_a - E_p G - lambda w_a f''(w_a)|}
   */
  public static double current(
      Divergence divergence,
      double lambda,
      double constant,
      double coefficientSpan,
      double largestCurvature) {
    return switch (divergence) {
      case ForwardKl f -> constant;
      case ReverseKl f -> 0.5 * lambda + INNER_PRODUCT_BOUND * coefficientSpan;
      default -> 0.5 * largestCurvature;
    };
  }
}
