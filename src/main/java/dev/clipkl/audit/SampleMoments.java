package dev.clipkl.audit;

/** Mean and variance of a sample, by Welford's recursion for outcomes that occur several times. */
final class SampleMoments {
  private long samples;
  private double mean;
  private double squares;

  /** Adds the outcomes {@code values[token]} of all tokens drawn from a row. */
  void addAll(double[] values, DrawnTokens drawn) {
    for (int i = 0; i < drawn.tokens().length; i++) {
      add(values[drawn.tokens()[i]], drawn.counts()[i]);
    }
  }

  private void add(double value, int count) {
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
