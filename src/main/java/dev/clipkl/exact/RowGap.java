package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;

/** A row's exact distance to its optimum, as a sum of terms that are never negative. */
public final class RowGap {
  private RowGap() {}

  /**
   * {@code lambda sum_a q_a (f(w_a) + f*(t_a) - t_a w_a)}, {@code t_a = (y_a - nu) / lambda}
   * (THEORY 1.10, with the boundary term where the optimum has zeros).
   *
   * @param optimum of the row with these action values
   * @param logPolicy normalised, nats, {@code [actions]}
   * @param logReference normalised, nats, {@code [actions]}
   * @param actionValues y, {@code [actions]}
   */
  public static double of(
      Divergence divergence,
      double lambda,
      RowOptimum optimum,
      double[] logPolicy,
      double[] logReference,
      double[] actionValues) {
    boolean hasSupremum = divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
    double sum = 0.0;
    for (int a = 0; a < logPolicy.length; a++) {
      sum +=
          Math.exp(logReference[a])
              * divergence.fenchelYoung(
                  logPolicy[a] - logReference[a],
                  optimum.conjugateArgument(actionValues[a], lambda, hasSupremum));
    }
    return lambda * sum;
  }
}
