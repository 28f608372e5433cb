package dev.clipkl.metrics;

import java.util.OptionalDouble;

/** How far a run is on its way to the tolerance, and how long it may still take. */
public final class Outlook {
  private final double tolerance;
  private final int outerIterations;
  private double firstGap = Double.NaN;

  /**
   * For one run.
   *
   * @param tolerance the gap at which it stops
   * @param outerIterations at which it stops at the latest
   */
  public Outlook(double tolerance, int outerIterations) {
    this.tolerance = tolerance;
    this.outerIterations = outerIterations;
  }

  /**
   * The way gone, in [0, 1]: from the first gap this was asked about to the tolerance in powers of
   * ten, or the share of the most iterations if that is more.
   */
  public double fraction(MetricRecord metrics) {
    double gap = metrics.get(MetricNames.GAP);
    if (Double.isNaN(firstGap)) {
      firstGap = gap;
    }
    double byIterations = (double) metrics.outerIteration() / outerIterations;
    double byGap = Math.log(firstGap / gap) / Math.log(firstGap / tolerance);
    return Math.clamp(Double.isFinite(byGap) ? Math.max(byIterations, byGap) : byIterations, 0, 1);
  }

  /** From the measured rate, which may still change; the most iterations bound it. */
  public OptionalDouble secondsLeft(MetricRecord metrics) {
    double rate = metrics.get(MetricNames.RATE_MEASURED);
    double perIteration = metrics.get(MetricNames.SECONDS) / metrics.outerIteration();
    double byRate = Math.log(tolerance / metrics.get(MetricNames.GAP)) / Math.log(rate);
    double left = Math.min(outerIterations - (double) metrics.outerIteration(), byRate);
    return rate > 0.0 && rate < 1.0 && left > 0.0
        ? OptionalDouble.of(Math.ceil(left * perIteration))
        : OptionalDouble.empty();
  }
}
