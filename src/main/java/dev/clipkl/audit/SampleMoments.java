package dev.clipkl.audit;

/** Mean and variance of a sample, by Welford's recursion for outcomes that occur several times. */
final class SampleMoments {
  private long samples;
  private double mean;
  private double squares;

  /** Adds an outcome that occurred {@code count} times. */
  void add(double value, int count) {
    samples += count;
    double deviation = value - mean;
    mean += deviation * count / samples;
    squares += count * deviation * (value - mean);
  }

  double mean() {
    return mean;
  }

  /** The standard error of the mean. */
  double standardError() {
    return Math.sqrt(squares / (samples - 1.0) / samples);
  }
}
