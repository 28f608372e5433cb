package dev.clipkl.exact;

import java.util.Arrays;
import org.hipparchus.stat.regression.SimpleRegression;

/**
 * Where a gap series stops meaning anything: at zero, at {@code 1e-13} of its first gap, or two
 * decades above a flat end at rounding level.
 *
 * <p>An end is flat when log gap has no significantly negative slope over the last sixteenth,
 * eighth or quarter of the series (at least 6 points), at gaps below {@code 1e-6} of the first. A
 * flat end higher up is no rounding: that run has stalled, and its points stay.
 */
final class GapFloor {
  private static final double RELATIVE = 1e-13;
  private static final double ROUNDING_LEVEL = 1e-6;
  private static final double CLEARANCE = 100.0;
  private static final int LEAST_POINTS = 6;

  private GapFloor() {}

  /** The first iteration at or below the floor; the series' length when there is none. */
  static int firstBelow(double[] gaps) {
    if (gaps.length == 0 || !(gaps[0] > 0.0)) {
      return 0;
    }
    int end = firstAtMost(gaps, RELATIVE * gaps[0], gaps.length);
    for (int part = 16; part >= 4; part /= 2) {
      int points = Math.max(LEAST_POINTS, end / part);
      if (points < end) {
        double level = flatLevel(gaps, end - points, end);
        if (level < ROUNDING_LEVEL * gaps[0]) {
          return firstAtMost(gaps, CLEARANCE * level, end);
        }
      }
    }
    return end;
  }

  private static int firstAtMost(double[] gaps, double level, int end) {
    for (int n = 0; n < end; n++) {
      if (!(gaps[n] > level)) {
        return n;
      }
    }
    return end;
  }

  /** The median gap of a flat stretch, infinity when it still falls. */
  private static double flatLevel(double[] gaps, int first, int end) {
    SimpleRegression regression = TailRate.regression(gaps, first, end);
    boolean falls = regression.getSlope() + TailRate.halfInterval(regression) < 0.0;
    if (falls) {
      return Double.POSITIVE_INFINITY;
    }
    double[] stretch = Arrays.copyOfRange(gaps, first, end);
    Arrays.sort(stretch);
    return stretch[stretch.length / 2];
  }
}
