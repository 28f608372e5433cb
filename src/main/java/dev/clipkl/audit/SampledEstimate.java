package dev.clipkl.audit;

import org.jspecify.annotations.Nullable;

/**
 * A mean over samples with its confidence interval.
 *
 * @param samples how many
 * @param estimate their mean
 * @param standardError of the mean, from the samples' own variance
 * @param low lower end of the interval
 * @param high upper end of the interval
 * @param coversTarget whether the interval holds the exact quantity that is to be estimated; null
 *     where one of the two is not finite
 * @param coversExpectation whether it holds the estimator's own exact expectation; null likewise
 * @param effectiveSamples {@code n / kurtosis}, the kurtosis being exact: the number of samples
 *     that the variance rests on. The interval can be trusted where it is large.
 * @param reason why a number is missing, or why the interval is not to be trusted; null otherwise
 */
public record SampledEstimate(
    int samples,
    double estimate,
    double standardError,
    double low,
    double high,
    @Nullable Boolean coversTarget,
    @Nullable Boolean coversExpectation,
    double effectiveSamples,
    @Nullable String reason) {
  /**
   * Below this many effective samples the sample variance is off by more than a fifth (its relative
   * standard deviation is {@code sqrt(kurtosis / n)}), and the mean's law is visibly skewed.
   */
  static final double TRUSTED_EFFECTIVE_SAMPLES = 25.0;

  /** Whether the tail is too heavy for this interval. */
  public boolean isHeavyTailed() {
    return !(effectiveSamples >= TRUSTED_EFFECTIVE_SAMPLES);
  }
}
