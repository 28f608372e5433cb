package dev.clipkl.sampling;

import java.util.Arrays;
import org.hipparchus.distribution.continuous.NormalDistribution;
import org.hipparchus.distribution.continuous.TDistribution;

/**
 * An average over sampled texts beside its exact expectation.
 *
 * @param exact by {@link ExactTexts}
 * @param sampled the average
 * @param low lower end of the 95% confidence interval; NaN for a single text
 * @param high its upper end
 */
public record TextAverage(double exact, double sampled, double low, double high) {
  /** Of the intervals. */
  public static final double CONFIDENCE = 0.95;

  /** Float64 sums in two orders: what an interval without a width must allow. */
  private static final double ROUNDING = 1e-9;

  /** Whether the interval holds the exact expectation; false where there is none. */
  public boolean covers() {
    double rounding = ROUNDING * (1.0 + Math.abs(exact));
    return low - rounding <= exact && exact <= high + rounding;
  }

  /** Student's interval of a mean, {@code mean -+ t sqrt(variance / n)}. */
  static TextAverage ofMean(double exact, double[] values) {
    return around(exact, mean(values), values);
  }

  /**
   * A ratio of means {@code R = mean(x) / mean(y)} with its delta-method interval: R's error is
   * that of {@code mean(x - R y) / mean(y)} to first order.
   *
   * @param y above 0
   */
  static TextAverage ofRatio(double exact, double[] x, double[] y) {
    double ratio = mean(x) / mean(y);
    double scale = mean(y);
    double[] deviations = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      deviations[i] = (x[i] - ratio * y[i]) / scale;
    }
    return around(exact, ratio, deviations);
  }

  /**
   * A share with Wilson's interval, which has a width even where all samples agree. Wilson,
   * Probable inference, the law of succession, and statistical inference, Journal of the American
   * Statistical Association 22 (1927).
   */
  static TextAverage ofShare(double exact, int hits, int samples) {
    double z = new NormalDistribution().inverseCumulativeProbability(0.5 + 0.5 * CONFIDENCE);
    double share = (double) hits / samples;
    double shrink = 1.0 + z * z / samples;
    double center = (share + z * z / (2.0 * samples)) / shrink;
    double half =
        z
            / shrink
            * Math.sqrt(
                share * (1.0 - share) / samples + z * z / (4.0 * (double) samples * samples));
    return new TextAverage(exact, share, center - half, center + half);
  }

  private static TextAverage around(double exact, double estimate, double[] values) {
    int n = values.length;
    if (n < 2) {
      return new TextAverage(exact, estimate, Double.NaN, Double.NaN);
    }
    double mean = mean(values);
    double squares = Arrays.stream(values).map(x -> (x - mean) * (x - mean)).sum();
    double quantile =
        new TDistribution(n - 1.0).inverseCumulativeProbability(0.5 + 0.5 * CONFIDENCE);
    double half = quantile * Math.sqrt(squares / (n - 1.0) / n);
    return new TextAverage(exact, estimate, estimate - half, estimate + half);
  }

  private static double mean(double[] values) {
    return Arrays.stream(values).sum() / values.length;
  }
}
