package dev.clipkl.audit;

import java.util.List;

/** One estimator of one target, in all its uses, summed over rows. */
final class EstimatorAccumulator {
  private final AuditTarget target;
  private final KlEstimator estimator;
  private final TrueGradient truth;
  private final List<ValueAccumulator> numbers;
  private final List<GradientAccumulator> gradients;
  private final double[] values;
  private final double[] slopes;
  private final double[] rolloutValues;
  private final double[] combined;

  /**
   * An accumulator without rows.
   *
   * @param truth the target's gradient, which others keep up to date
   */
  EstimatorAccumulator(
      AuditTarget target,
      KlEstimator estimator,
      TrueGradient truth,
      AuditInput input,
      AuditSettings settings) {
    this.target = target;
    this.estimator = estimator;
    this.truth = truth;
    boolean offPolicy = input.sampler() != null;
    numbers =
        target.weights(offPolicy).stream()
            .map(weight -> new ValueAccumulator(estimator, weight, settings))
            .toList();
    gradients =
        target.placements(offPolicy).stream()
            .map(placement -> new GradientAccumulator(estimator, placement, settings))
            .toList();
    values = new double[input.actions()];
    slopes = new double[input.actions()];
    rolloutValues = new double[input.actions()];
    combined = new double[input.actions()];
  }

  /**
   * Adds a row.
   *
   * @param start u, the row's weight
   * @param drawn tokens from the target's law, {@code [sample sizes]}
   */
  void add(double start, AuditedRow row, DrawnTokens[] drawn) {
    evaluate(row);
    double[] law = target.isSampledFromReference() ? row.reference : row.sampler;
    for (ValueAccumulator number : numbers) {
      for (int a = 0; a < combined.length; a++) {
        combined[a] = number.weight().value(values[a], row.ratio[a], rolloutValues[a]);
      }
      number.add(start, law, combined, drawn);
    }
    for (GradientAccumulator part : gradients) {
      for (int a = 0; a < combined.length; a++) {
        combined[a] =
            part.placement().coefficient(values[a], slopes[a], row.ratio[a], rolloutValues[a]);
      }
      part.add(start, row.policy, law, combined, truth, drawn);
    }
  }

  /** k, {@code k' = dk / d log p} and k with mu in the place of p, for all tokens. */
  private void evaluate(AuditedRow row) {
    boolean fromReference = target.isSampledFromReference();
    for (int a = 0; a < values.length; a++) {
      double logR = row.logReferenceOverPolicy(a);
      if (fromReference) {
        // r = p / q grows with p.
        values[a] = estimator.value(-logR, row.policyOverReference[a]);
        slopes[a] = estimator.slope(-logR, row.policyOverReference[a]);
      } else {
        // r = q / p falls as p grows.
        values[a] = estimator.value(logR, row.referenceOverPolicy[a]);
        slopes[a] = -estimator.slope(logR, row.referenceOverPolicy[a]);
      }
    }
    if (!fromReference && row.isOffPolicy()) {
      for (int a = 0; a < values.length; a++) {
        double logR = row.logReferenceOverSampler(a);
        rolloutValues[a] = estimator.value(logR, Math.exp(logR));
      }
    }
  }

  List<ValueAudit> numbers(double exact) {
    return numbers.stream().map(number -> number.result(exact)).toList();
  }

  List<GradientAudit> gradients(double gradientSquared) {
    return gradients.stream().map(part -> part.result(gradientSquared)).toList();
  }
}
