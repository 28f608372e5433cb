package dev.clipkl.audit;

import org.jspecify.annotations.Nullable;

/** The number that one estimator reports under one weight, summed over rows. */
final class ValueAccumulator {
  private final KlEstimator estimator;
  private final ValueWeight weight;
  private final AuditedQuantity quantity;

  ValueAccumulator(KlEstimator estimator, ValueWeight weight, AuditSettings settings) {
    this.estimator = estimator;
    this.weight = weight;
    quantity = new AuditedQuantity(settings);
  }

  ValueWeight weight() {
    return weight;
  }

  /**
   * Adds a row.
   *
   * @param start the row's weight
   * @param law that the tokens were drawn from, {@code [actions]}
   * @param values what a sample of each token reports, nats, {@code [actions]}
   * @param drawn the row's sampled tokens, {@code [sample sizes]}
   */
  void add(double start, double[] law, double[] values, DrawnTokens[] drawn) {
    quantity.addRow(start, law, values, drawn);
  }

  ValueAudit result(double target) {
    double expectation = quantity.mean();
    return new ValueAudit(
        estimator.label(),
        estimator.formula(),
        weight.label(),
        expectation,
        expectation - target,
        quantity.variance(),
        reason(),
        quantity.estimates(1.0, target));
  }

  private @Nullable String reason() {
    return Double.isFinite(quantity.variance()) && Double.isFinite(quantity.mean())
        ? null
        : "not finite: a ratio of probabilities is beyond float64";
  }
}
