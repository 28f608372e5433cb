package dev.clipkl.comparison;

import java.util.ArrayList;
import java.util.List;

/**
 * One thing that clipkl set out to reach, and what was measured.
 *
 * @param goal what it is
 * @param divergence the divergence it was measured for
 * @param measured a ratio, or MB
 * @param bound the least or the most it may be
 * @param atLeast whether the bound is the least
 * @param unit what follows both numbers
 */
record Target(
    String goal, String divergence, double measured, double bound, boolean atLeast, String unit) {
  private static final double MEGABYTE = 1e6;

  /** Whether it was reached; NaN never is. */
  boolean isMet() {
    return atLeast ? measured >= bound : measured <= bound;
  }

  /** All targets, for the first vocabulary that was measured. */
  static List<Target> of(Comparison.Results results) {
    List<Target> targets = new ArrayList<>();
    int columns = results.timings().getFirst().columns();
    for (Timings timings : results.timings()) {
      if (timings.columns() == columns) {
        addTimes(timings, 1, 7.0, 28.0, 8.0, 1.5, targets);
        addTimes(timings, 16, 14.0, 55.0, 20.0, 0.7, targets);
        for (int innerSteps : Comparison.INNER_STEPS) {
          targets.add(
              new Target(
                  "practical mode, cost per accepted step, K = %d: times the constant step's, both with metrics"
                      .formatted(innerSteps),
                  timings.divergence(),
                  median(timings, ContenderKind.CLIPKL_PRACTICAL, innerSteps)
                      / median(timings, ContenderKind.CLIPKL_REPORTING, innerSteps),
                  2.0,
                  false,
                  "x"));
        }
      }
    }
    for (PeakMemory peak : results.memory()) {
      if (peak.contender() == ContenderKind.CLIPKL) {
        targets.add(
            new Target(
                "peak resident memory: 1.15 x tables + 200 MB",
                peak.divergence(),
                peak.bytes() / MEGABYTE,
                1.15 * peak.tableBytes() / MEGABYTE + 200.0,
                false,
                " MB"));
      }
    }
    return targets;
  }

  private static void addTimes(
      Timings timings,
      int innerSteps,
      double byHand,
      double autograd,
      double nd4j,
      double ofMemory,
      List<Target> targets) {
    addRival(timings, innerSteps, ContenderKind.TORCH_IN_PLACE, byHand, targets);
    addRival(timings, innerSteps, ContenderKind.TORCH_AUTOGRAD, autograd, targets);
    addRival(timings, innerSteps, ContenderKind.ND4J, nd4j, targets);
    targets.add(
        new Target(
            "K = %d: time in units of the memory limit".formatted(innerSteps),
            timings.divergence(),
            median(timings, ContenderKind.CLIPKL, innerSteps) / timings.memory().median(),
            ofMemory,
            false,
            "x"));
  }

  private static void addRival(
      Timings timings, int innerSteps, ContenderKind rival, double bound, List<Target> targets) {
    targets.add(
        new Target(
            "K = %d: times faster than %s".formatted(innerSteps, rival.label()),
            timings.divergence(),
            median(timings, rival, innerSteps) / median(timings, ContenderKind.CLIPKL, innerSteps),
            bound,
            true,
            "x"));
  }

  private static double median(Timings timings, ContenderKind contender, int innerSteps) {
    return timings.line(contender, innerSteps).seconds().median();
  }
}
