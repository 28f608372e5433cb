package dev.clipkl.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.hipparchus.distribution.continuous.TDistribution;
import org.jspecify.annotations.Nullable;

/** One number that samples estimate: its exact law, and the samples that were drawn of it. */
final class AuditedQuantity {
  private final AuditSettings settings;
  private final ExactMoments exact = new ExactMoments();
  private final List<SampleMoments> sampled = new ArrayList<>();

  AuditedQuantity(AuditSettings settings) {
    this.settings = settings;
    settings.sampleSizes().forEach(size -> sampled.add(new SampleMoments()));
  }

  /**
   * Adds one row.
   *
   * @param start the row's probability
   * @param law of the row's tokens, {@code [actions]}
   * @param values {@code [actions]}
   * @param drawn the row's sampled tokens, {@code [sample sizes]}
   */
  void addRow(double start, double[] law, double[] values, DrawnTokens[] drawn) {
    exact.addRow(start, law, values);
    for (int i = 0; i < drawn.length; i++) {
      sampled.get(i).addAll(values, drawn[i]);
    }
  }

  double mean() {
    return exact.mean();
  }

  double variance() {
    return exact.variance();
  }

  /**
   * Student's interval {@code mean -+ t se} for each sample size.
   *
   * @param scale a factor on every outcome
   * @param target what is to be estimated, scaled
   */
  List<SampledEstimate> estimates(double scale, double target) {
    double expectation = scale * exact.mean();
    List<SampledEstimate> estimates = new ArrayList<>();
    for (int i = 0; i < sampled.size(); i++) {
      int samples = settings.sampleSizes().get(i);
      double estimate = scale * sampled.get(i).mean();
      double standardError = scale * sampled.get(i).standardError();
      double half = quantile(samples) * standardError;
      double effective = samples / exact.kurtosis();
      estimates.add(
          new SampledEstimate(
              samples,
              estimate,
              standardError,
              estimate - half,
              estimate + half,
              covers(estimate, half, target),
              covers(estimate, half, expectation),
              effective,
              reason(samples, estimate, half, effective)));
    }
    return estimates;
  }

  private double quantile(int samples) {
    return new TDistribution(samples - 1.0)
        .inverseCumulativeProbability(0.5 + 0.5 * settings.confidence());
  }

  private static @Nullable Boolean covers(double estimate, double half, double value) {
    if (!Double.isFinite(half) || !Double.isFinite(estimate) || !Double.isFinite(value)) {
      return null;
    }
    // An interval of a constant has no width.
    double rounding = KlAudit.ROUNDING * (Math.abs(estimate) + Math.abs(value));
    return Math.abs(estimate - value) <= half + rounding;
  }

  private static @Nullable String reason(
      int samples, double estimate, double half, double effective) {
    if (!Double.isFinite(estimate) || !Double.isFinite(half)) {
      return "not finite: a ratio of probabilities is beyond float64, or the true gradient is zero";
    }
    if (!Double.isFinite(effective)) {
      return "the exact kurtosis is not finite: a ratio of probabilities is beyond float64";
    }
    return effective >= SampledEstimate.TRUSTED_EFFECTIVE_SAMPLES
        ? null
        : String.format(
            Locale.ROOT,
            "heavy tail: the variance rests on about %.2g of %d samples",
            effective,
            samples);
  }
}
