package dev.clipkl.training;

import dev.clipkl.engine.RowMetric;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * From row metrics to a run's metrics: averages over the states, summed in the order of the rows,
 * so that they do not depend on threads.
 */
final class MetricAverages {
  private final RowCoupling coupling;

  MetricAverages(RowCoupling coupling) {
    this.coupling = coupling;
  }

  /**
   * One outer iteration's metrics.
   *
   * @param rows the row values of a metric, {@code [states]}
   * @param previousGap of the iteration before, or NaN
   * @param rowsFinished rows within their tolerance
   * @param seconds since the run began
   * @param entriesPerSecond entries of the policy updated per second
   */
  MetricRecord record(
      int outerIteration,
      Function<RowMetric, double[]> rows,
      double previousGap,
      int rowsFinished,
      double seconds,
      double entriesPerSecond) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(MetricNames.VALUE, coupling.value(rows));
    values.put(MetricNames.OPTIMUM, coupling.optimum());
    double gap = coupling.gap(rows);
    values.put(MetricNames.GAP, gap);
    values.put(MetricNames.REWARD, coupling.reward(rows));
    values.put(MetricNames.DIVERGENCE, mean(rows.apply(RowMetric.DIVERGENCE)));
    values.put(
        MetricNames.KL_POLICY_TO_REFERENCE, mean(rows.apply(RowMetric.KL_POLICY_TO_REFERENCE)));
    values.put(
        MetricNames.KL_REFERENCE_TO_POLICY, mean(rows.apply(RowMetric.KL_REFERENCE_TO_POLICY)));
    values.put(MetricNames.ENTROPY, mean(rows.apply(RowMetric.ENTROPY)));
    values.put(MetricNames.CLIPFRAC_BINDING, mean(rows.apply(RowMetric.CLIPFRAC_BINDING)));
    values.put(
        MetricNames.CLIPFRAC_OUTSIDE_BAND, mean(rows.apply(RowMetric.CLIPFRAC_OUTSIDE_BAND)));
    values.put(MetricNames.RATIO_MIN, Math.exp(least(rows.apply(RowMetric.LOG_RATIO_MIN))));
    values.put(MetricNames.RATIO_MAX, Math.exp(largest(rows.apply(RowMetric.LOG_RATIO_MAX))));
    values.put(MetricNames.RATIO_VAR, mean(rows.apply(RowMetric.RATIO_VARIANCE)));
    values.put(MetricNames.APPROX_KL, mean(rows.apply(RowMetric.APPROX_KL)));
    values.put(MetricNames.MIN_PROB, Math.exp(least(rows.apply(RowMetric.MIN_LOG_PROB))));
    values.put(MetricNames.GRAD_NORM, mean(rows.apply(RowMetric.GRAD_NORM)));
    values.put(MetricNames.STEP_SIZE, mean(rows.apply(RowMetric.STEP_SIZE)));
    values.put(MetricNames.STEPS_TAKEN, sum(rows.apply(RowMetric.STEPS_TAKEN)));
    values.put(MetricNames.REJECTED_STEPS, sum(rows.apply(RowMetric.STEPS_REJECTED)));
    values.put(MetricNames.ROWS_FINISHED, (double) rowsFinished);
    values.put(MetricNames.ROWS_FROZEN, sum(rows.apply(RowMetric.FROZEN)));
    values.put(MetricNames.RATE_MEASURED, gap / previousGap);
    values.put(MetricNames.SECONDS, seconds);
    values.put(MetricNames.ENTRIES_PER_SECOND, entriesPerSecond);
    return new MetricRecord(outerIteration, values);
  }

  private double mean(double[] rows) {
    return RowCoupling.average(coupling.weights(), rows);
  }

  static double sum(double[] rows) {
    double sum = 0.0;
    for (double row : rows) {
      sum += row;
    }
    return sum;
  }

  private static double least(double[] rows) {
    double least = Double.POSITIVE_INFINITY;
    for (double row : rows) {
      least = Math.min(least, row);
    }
    return least;
  }

  private static double largest(double[] rows) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double row : rows) {
      largest = Math.max(largest, row);
    }
    return largest;
  }
}
