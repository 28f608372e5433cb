package dev.clipkl.audit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The gradient that one estimator gives in one placement, summed over rows. */
final class GradientAccumulator {
  private final KlEstimator estimator;
  private final GradientPlacement placement;
  private final AuditSettings settings;

  /** {@code <sample, t>}, which {@code |t|^2} divides in the end. */
  private final AuditedQuantity projection;

  private double secondMoment;
  private double expectedSquared;
  private double biasSquared;
  private double product;

  GradientAccumulator(KlEstimator estimator, GradientPlacement placement, AuditSettings settings) {
    this.estimator = estimator;
    this.placement = placement;
    this.settings = settings;
    projection = new AuditedQuantity(settings);
  }

  GradientPlacement placement() {
    return placement;
  }

  /**
   * Adds a row. A sample in it has the gradient {@code c_x (e_x - p)} and probability {@code u
   * law_x}; the expectation is {@code u (law_b c_b - p_b E[c])}, the true gradient {@code u t_b}.
   *
   * @param start u, the row's weight
   * @param policy p, {@code [actions]}
   * @param law that the tokens were drawn from, {@code [actions]}
   * @param coefficients c, {@code [actions]}; overwritten
   * @param truth the row's true gradient
   * @param drawn the row's sampled tokens, {@code [sample sizes]}
   */
  void add(
      double start,
      double[] policy,
      double[] law,
      double[] coefficients,
      TrueGradient truth,
      DrawnTokens[] drawn) {
    double[] gradient = truth.gradient();
    double policySquared = truth.policySquared();
    double along = truth.meanGradient();
    double meanCoefficient = 0.0;
    for (int a = 0; a < law.length; a++) {
      meanCoefficient += law[a] * coefficients[a];
    }
    double rowSecondMoment = 0.0;
    double rowExpectedSquared = 0.0;
    double rowBiasSquared = 0.0;
    double rowProduct = 0.0;
    for (int a = 0; a < law.length; a++) {
      double coefficient = coefficients[a];
      double weighted = law[a] * coefficient;
      double expected = weighted - policy[a] * meanCoefficient;
      double bias = expected - gradient[a];
      rowExpectedSquared += expected * expected;
      rowBiasSquared += bias * bias;
      rowProduct += expected * gradient[a];
      rowSecondMoment += weighted * coefficient * (1.0 - 2.0 * policy[a] + policySquared);
      coefficients[a] = start * coefficient * (gradient[a] - along);
    }
    projection.addRow(start, law, coefficients, drawn);
    secondMoment += start * rowSecondMoment;
    expectedSquared += start * start * rowExpectedSquared;
    biasSquared += start * start * rowBiasSquared;
    product += start * start * rowProduct;
  }

  /**
   * The summary.
   *
   * @param gradientSquared {@code |t|^2} over all rows
   */
  GradientAudit result(double gradientSquared) {
    double trace = Math.max(0.0, secondMoment - expectedSquared);
    double norm = Math.sqrt(gradientSquared);
    List<Double> errors =
        settings.sampleSizes().stream()
            .map(samples -> Math.sqrt(biasSquared + trace / samples) / norm)
            .toList();
    return new GradientAudit(
        estimator.label(),
        placement.label(),
        placement.formula(),
        Math.sqrt(biasSquared) / norm,
        isZero(expectedSquared) ? Double.NaN : product / (Math.sqrt(expectedSquared) * norm),
        product / gradientSquared,
        trace,
        Math.sqrt(trace) / norm,
        isZero(biasSquared) ? Double.POSITIVE_INFINITY : trace / biasSquared,
        errors,
        reason(gradientSquared, trace),
        projection.estimates(1.0 / gradientSquared, 1.0));
  }

  /** Whether a squared norm is no more than the rounding of the samples' own gradients. */
  private boolean isZero(double squaredNorm) {
    return squaredNorm <= KlAudit.ROUNDING * KlAudit.ROUNDING * secondMoment;
  }

  private @Nullable String reason(double gradientSquared, double trace) {
    if (gradientSquared == 0.0) {
      return "the true gradient is zero: nothing can be relative to it";
    }
    if (!Double.isFinite(biasSquared) || !Double.isFinite(trace)) {
      return "not finite: a ratio of probabilities is beyond float64";
    }
    return isZero(expectedSquared) ? "the expected gradient is zero: it has no direction" : null;
  }
}
