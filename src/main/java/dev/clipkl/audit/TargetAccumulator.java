package dev.clipkl.audit;

import java.util.ArrayList;
import java.util.List;

/** All estimators of one {@link AuditTarget}, summed over rows. */
final class TargetAccumulator {
  private final AuditTarget target;
  private final List<EstimatorSums> estimators = new ArrayList<>();
  private final double[] gradient;
  private final double[] values;
  private final double[] slopes;
  private final double[] rolloutValues;
  private final double[] combined;
  private double exact;
  private double gradientSquared;

  private record EstimatorSums(
      KlEstimator estimator, List<ValueAccumulator> values, List<GradientAccumulator> gradients) {}

  TargetAccumulator(AuditTarget target, AuditInput input, AuditSettings settings) {
    this.target = target;
    boolean offPolicy = input.sampler() != null;
    for (KlEstimator estimator : target.estimators()) {
      estimators.add(
          new EstimatorSums(
              estimator,
              target.weights(offPolicy).stream()
                  .map(weight -> new ValueAccumulator(estimator, weight, settings))
                  .toList(),
              target.placements(offPolicy).stream()
                  .map(placement -> new GradientAccumulator(estimator, placement, settings))
                  .toList()));
    }
    int actions = input.actions();
    gradient = new double[actions];
    values = new double[actions];
    slopes = new double[actions];
    rolloutValues = new double[actions];
    combined = new double[actions];
  }

  /**
   * Adds a row.
   *
   * @param start u, the row's weight
   * @param counts how often each token was drawn from this target's law, {@code [sample
   *     sizes][actions]}
   */
  void add(double start, AuditedRow row, int[][] counts) {
    if (target == AuditTarget.REVERSE_KL) {
      exact += start * row.policyToReference();
      row.reverseGradient(gradient);
    } else {
      exact += start * row.referenceToPolicy();
      row.forwardGradient(gradient);
    }
    double squared = 0.0;
    for (double entry : gradient) {
      squared += entry * entry;
    }
    gradientSquared += start * start * squared;
    double[] law = target.isSampledFromReference() ? row.reference : row.sampler;
    for (EstimatorSums sums : estimators) {
      evaluate(sums.estimator(), row);
      for (ValueAccumulator value : sums.values()) {
        for (int a = 0; a < combined.length; a++) {
          combined[a] = value.weight().value(values[a], row.ratio[a], rolloutValues[a]);
        }
        value.add(start, law, combined, counts);
      }
      for (GradientAccumulator part : sums.gradients()) {
        for (int a = 0; a < combined.length; a++) {
          combined[a] =
              part.placement().coefficient(values[a], slopes[a], row.ratio[a], rolloutValues[a]);
        }
        part.add(start, row.policy, law, combined, gradient, counts);
      }
    }
  }

  /** k, {@code k' = dk / d log p} and k with mu in the place of p, for all tokens. */
  private void evaluate(KlEstimator estimator, AuditedRow row) {
    boolean fromReference = target.isSampledFromReference();
    for (int a = 0; a < values.length; a++) {
      double logR = row.logReferenceOverPolicy(a);
      if (fromReference) {
        // r = p / q grows with p.
        values[a] = estimator.value(-logR);
        slopes[a] = estimator.slope(-logR);
      } else {
        // r = q / p falls as p grows.
        values[a] = estimator.value(logR);
        slopes[a] = -estimator.slope(logR);
        rolloutValues[a] = estimator.value(row.logReferenceOverSampler(a));
      }
    }
  }

  TargetAudit result() {
    return new TargetAudit(
        target,
        exact,
        Math.sqrt(gradientSquared),
        estimators.stream()
            .flatMap(sums -> sums.values().stream())
            .map(value -> value.result(exact))
            .toList(),
        estimators.stream()
            .flatMap(sums -> sums.gradients().stream())
            .map(part -> part.result(gradientSquared))
            .toList());
  }
}
