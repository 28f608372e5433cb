package dev.clipkl.bench;

import java.util.Arrays;

/**
 * Repeated measurements of one thing: the median, since other programs only ever slow a sample
 * down, with the least and the largest beside it.
 *
 * @param median for an even number of samples the mean of the middle two
 * @param samples how many there were
 */
public record Spread(double median, double least, double largest, int samples) {

  /**
   * The spread of some samples.
   *
   * @throws IllegalArgumentException when there is none
   */
  public static Spread of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("a spread needs at least one sample");
    }
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    double median =
        sorted.length % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
    return new Spread(median, sorted[0], sorted[sorted.length - 1], sorted.length);
  }

  /** The spread of the samples times a positive factor. */
  public Spread times(double factor) {
    return new Spread(median * factor, least * factor, largest * factor, samples);
  }
}
