package dev.clipkl.exact;

import java.util.Optional;
import org.hipparchus.stat.regression.SimpleRegression;

/**
 * The measured linear tail rate of a gap series: its factor per iteration, by least squares of log
 * gap on the iteration (THEORY 4.5 predicts it).
 *
 * <p>The window is chosen by one rule. It ends before the floor ({@link GapFloor}). It is the
 * longest of the whole series and its last half and quarter whose two halves have slopes that agree
 * within 0.5 % of the slope plus two standard errors; failing that it is the last eighth, at least
 * 4 points. If there, too, the halves differ by more than 3 % plus two standard errors, then the
 * series has no settled linear rate: see {@link Trend}. (For a power law {@code n^-k} the halves of
 * the last eighth differ by 6.5 %, whatever its length and k.) Standard errors come from the
 * scatter of neighbouring points, so that a bend is not taken for noise.
 *
 * @param ratio the gap's factor per iteration over the window; only with {@link Trend#STEADY} is it
 *     the tail's rate
 * @param lower lower end of the ratio's 95 % interval, from the scatter around the line
 * @param upper upper end of the ratio's 95 % interval
 * @param first first iteration of the window
 * @param last last iteration of the window, included
 * @param trend whether the rate is settled
 */
public record TailRate(double ratio, double lower, double upper, int first, int last, Trend trend) {
  private static final int LEAST_POINTS = 4;
  private static final double AGREEMENT = 0.005;
  private static final double DRIFT = 0.03;
  private static final double SIGNIFICANCE = 0.05;

  /** Standard errors of a slope's difference that scatter may explain. */
  private static final double NOISE_WIDTH = 2.0;

  /** How the rate changes along the window. */
  public enum Trend {
    /** The two halves of the window have the same rate. */
    STEADY,
    /** Ratios still fall: superlinear, or steps that still grow. */
    ACCELERATING,
    /** Ratios still rise towards 1: sublinear, stalled, or slower modes that still take over. */
    SLOWING
  }

  /**
   * Fits the tail.
   *
   * @param gaps gap after n iterations, {@code gaps[0]} before any; zeros (finished) end the series
   * @return empty when fewer than 4 points lie above the floor
   * @throws IllegalArgumentException when a gap is NaN or infinite
   */
  public static Optional<TailRate> fit(double[] gaps) {
    for (int n = 0; n < gaps.length; n++) {
      if (!Double.isFinite(gaps[n])) {
        throw new IllegalArgumentException(
            "gap after %d iterations must be finite, got %s".formatted(n, gaps[n]));
      }
    }
    int end = GapFloor.firstBelow(gaps);
    if (end < LEAST_POINTS) {
      return Optional.empty();
    }
    for (int part = 1; part <= 4; part *= 2) {
      int first = end - end / part;
      if (end - first >= LEAST_POINTS && drift(gaps, first, end, AGREEMENT) == Trend.STEADY) {
        return Optional.of(line(gaps, first, end, Trend.STEADY));
      }
    }
    int first = end - Math.max(LEAST_POINTS, end / 8);
    return Optional.of(line(gaps, first, end, drift(gaps, first, end, DRIFT)));
  }

  private static Trend drift(double[] gaps, int first, int end, double tolerance) {
    int middle = (first + end) / 2;
    SimpleRegression early = regression(gaps, first, middle);
    SimpleRegression late = regression(gaps, middle, end);
    double steepening = early.getSlope() - late.getSlope();
    double scatter = scatter(gaps, first, end);
    double allowed =
        tolerance * 0.5 * Math.abs(early.getSlope() + late.getSlope())
            + NOISE_WIDTH
                * scatter
                * Math.hypot(unitError(middle - first), unitError(end - middle));
    if (Math.abs(steepening) <= allowed) {
      return late.getSlope() < 0.0 ? Trend.STEADY : Trend.SLOWING;
    }
    return steepening > 0.0 ? Trend.ACCELERATING : Trend.SLOWING;
  }

  /**
   * Standard deviation of log gap about a smooth curve, from its third differences: unlike the
   * residuals of a line, they do not take a bend for scatter.
   */
  private static double scatter(double[] gaps, int first, int end) {
    double squares = 0.0;
    for (int n = first + 3; n < end; n++) {
      double third =
          Math.log(gaps[n])
              - Math.log(gaps[n - 3])
              - 3.0 * (Math.log(gaps[n - 1]) - Math.log(gaps[n - 2]));
      squares += third * third;
    }
    // Independent scatter of variance 1 gives third differences of variance 1 + 9 + 9 + 1.
    return Math.sqrt(squares / (20.0 * (end - first - 3)));
  }

  /** Standard error of the slope through equidistant points that scatter by 1. */
  private static double unitError(int points) {
    double n = points;
    return Math.sqrt(12.0 / (n * (n * n - 1.0)));
  }

  private static TailRate line(double[] gaps, int first, int end, Trend trend) {
    SimpleRegression regression = regression(gaps, first, end);
    double slope = regression.getSlope();
    double halfInterval = halfInterval(regression);
    return new TailRate(
        Math.exp(slope),
        Math.exp(slope - halfInterval),
        Math.exp(slope + halfInterval),
        first,
        end - 1,
        trend);
  }

  static SimpleRegression regression(double[] gaps, int first, int end) {
    SimpleRegression regression = new SimpleRegression();
    for (int n = first; n < end; n++) {
      regression.addData(n, Math.log(gaps[n]));
    }
    return regression;
  }

  /** Half a slope's 95 % interval; 0 for two points, which have no scatter. */
  static double halfInterval(SimpleRegression regression) {
    return regression.getN() > 2 ? regression.getSlopeConfidenceInterval(SIGNIFICANCE) : 0.0;
  }

  /**
   * The predicted factor of the gap per step {@code max((1 - step smallest)^2, (1 - step
   * largest)^2)} (THEORY 4.5); above 1 the optimum repels.
   *
   * @param step length of the step
   * @param smallest smallest non-zero eigenvalue of the negated Hessian: lambda and, where the step
   *     is weighted, the state's weight times {@link RowSpectrum}'s
   * @param largest its largest eigenvalue
   */
  public static double predictedRatio(double step, double smallest, double largest) {
    double slow = 1.0 - step * smallest;
    double fast = 1.0 - step * largest;
    return Math.max(slow * slow, fast * fast);
  }

  /**
   * Steps from a gap to a tolerance at a linear rate, {@code ln(gap / tolerance) / -ln ratio}; not
   * rounded.
   *
   * @param tolerance above 0
   * @return 0 when the gap is at most the tolerance, infinity when the ratio is not below 1
   */
  public static double predictedSteps(double gap, double tolerance, double ratio) {
    return steps(gap, tolerance, Math.log(ratio));
  }

  /**
   * Steps of the slowest mode, {@code ln(gap / tolerance) / (-2 log1p(-step smallest))}: as {@link
   * #predictedSteps} with {@code (1 - step smallest)^2}, but exact where that rounds to 1.
   *
   * @param tolerance above 0
   * @param smallest smallest non-zero eigenvalue, as for {@link #predictedRatio}; 0 gives infinity
   */
  public static double predictedGradientSteps(
      double gap, double tolerance, double step, double smallest) {
    double product = step * smallest;
    // Beyond a factor of zero the mode overshoots and its factor is 1 - product, below zero.
    double logFactor = product <= 1.0 ? Math.log1p(-product) : Math.log(product - 1.0);
    return steps(gap, tolerance, 2.0 * logFactor);
  }

  private static double steps(double gap, double tolerance, double logRatio) {
    if (!(tolerance > 0.0)) {
      throw new IllegalArgumentException("tolerance must be above 0, got " + tolerance);
    }
    if (gap <= tolerance) {
      return 0.0;
    }
    if (logRatio >= 0.0) {
      return Double.POSITIVE_INFINITY;
    }
    // A ratio of zero needs one step, not none.
    return Math.max(1.0, (Math.log(gap) - Math.log(tolerance)) / -logRatio);
  }
}
