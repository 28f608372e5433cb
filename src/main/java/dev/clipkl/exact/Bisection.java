package dev.clipkl.exact;

import java.util.function.DoublePredicate;

/** Bisection between non-negative numbers, to neighbouring float64 values. */
final class Bisection {
  private static final double RESOLUTION = 4e-16;

  private Bisection() {}

  /**
   * An interval that holds a root.
   *
   * @param steps how often the predicate was asked
   */
  record Bracket(double lower, double upper, int steps) {
    double middle() {
      return lower + 0.5 * (upper - lower);
    }
  }

  /**
   * Narrows {@code [lower, upper]} around the point where the predicate turns false.
   *
   * <p>A wide bracket is halved in logarithms, so that a root many orders of magnitude below the
   * upper end costs a handful of steps more and keeps its relative accuracy.
   *
   * @param lower at least 0
   * @param isBelowRoot true left of the root; a NaN that makes it false moves the upper end down
   */
  static Bracket narrow(double lower, double upper, DoublePredicate isBelowRoot) {
    int steps = 0;
    while (upper - lower > RESOLUTION * upper) {
      double middle =
          lower > 0.0 && upper > 4.0 * lower
              ? Math.sqrt(lower) * Math.sqrt(upper)
              : lower + 0.5 * (upper - lower);
      if (!(middle > lower && middle < upper)) {
        break;
      }
      steps++;
      if (isBelowRoot.test(middle)) {
        lower = middle;
      } else {
        upper = middle;
      }
    }
    return new Bracket(lower, Math.max(lower, upper), steps);
  }
}
