package dev.clipkl.audit;

import java.util.List;

/** One {@link AuditTarget} and all its estimators, summed over rows. */
final class TargetAccumulator {
  private final AuditTarget target;
  private final TrueGradient truth;
  private final List<EstimatorAccumulator> estimators;
  private double exact;
  private double gradientSquared;

  TargetAccumulator(AuditTarget target, AuditInput input, AuditSettings settings) {
    this.target = target;
    TrueGradient gradient = new TrueGradient(input.actions());
    truth = gradient;
    estimators =
        target.estimators().stream()
            .map(
                estimator -> new EstimatorAccumulator(target, estimator, gradient, input, settings))
            .toList();
  }

  /**
   * Adds a row's divergence and gradient, and brings the gradient up to date for the estimators.
   *
   * @param start u, the row's weight
   */
  void addTruth(double start, AuditedRow row) {
    if (target == AuditTarget.REVERSE_KL) {
      exact += start * row.policyToReference();
      truth.setReverse(row);
    } else {
      exact += start * row.referenceToPolicy();
      truth.setForward(row);
    }
    gradientSquared += start * start * truth.squared();
  }

  AuditTarget target() {
    return target;
  }

  /** They may be given a row in any order or at once, after {@link #addTruth}. */
  List<EstimatorAccumulator> estimators() {
    return estimators;
  }

  TargetAudit result() {
    return new TargetAudit(
        target,
        exact,
        Math.sqrt(gradientSquared),
        estimators.stream().flatMap(e -> e.numbers(exact).stream()).toList(),
        estimators.stream().flatMap(e -> e.gradients(gradientSquared).stream()).toList());
  }
}
