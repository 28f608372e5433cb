package dev.clipkl.report;

import java.util.BitSet;

/**
 * Leaves out points that a screen cannot show. Of each stretch of a curve its first and last points
 * stay, and its least and greatest: no peak is lost.
 */
final class Thinning {
  /** About as many as a chart's columns of pixels. */
  static final int MOST_POINTS = 1200;

  private static final int KEPT_PER_STRETCH = 6;

  private Thinning() {}

  /**
   * The finite points of a curve, thinned.
   *
   * @return {@code [2][points]}: positions and numbers
   */
  static double[][] of(double[] x, double[] y) {
    double[][] finite = select(x, y, finite(x, y));
    int length = finite[0].length;
    if (length <= MOST_POINTS) {
      return finite;
    }
    int stretches = MOST_POINTS / KEPT_PER_STRETCH;
    BitSet kept = new BitSet(length);
    for (int i = 0; i < stretches; i++) {
      int start = (int) ((long) length * i / stretches);
      int end = (int) ((long) length * (i + 1) / stretches);
      kept.set(start);
      kept.set(end - 1);
      for (double[] coordinate : finite) {
        keepExtremes(coordinate, start, end, kept);
      }
    }
    return select(finite[0], finite[1], kept);
  }

  private static BitSet finite(double[] x, double[] y) {
    BitSet kept = new BitSet(x.length);
    for (int i = 0; i < x.length; i++) {
      kept.set(i, Double.isFinite(x[i]) && Double.isFinite(y[i]));
    }
    return kept;
  }

  private static void keepExtremes(double[] values, int start, int end, BitSet kept) {
    int least = start;
    int greatest = start;
    for (int i = start; i < end; i++) {
      least = values[i] < values[least] ? i : least;
      greatest = values[i] > values[greatest] ? i : greatest;
    }
    kept.set(least);
    kept.set(greatest);
  }

  private static double[][] select(double[] x, double[] y, BitSet kept) {
    return new double[][] {
      kept.stream().mapToDouble(i -> x[i]).toArray(), kept.stream().mapToDouble(i -> y[i]).toArray()
    };
  }
}
