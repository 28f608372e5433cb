package dev.clipkl.engine;

/**
 * Row metrics of a block of outer iterations: {@code [outer iterations, metrics, states]}, and the
 * latest ones of every row, which a finished row goes on showing at no cost.
 *
 * <p>Each row writes only its own entries, so that rows may run on any thread in any order.
 */
public final class RowResults {
  private final double[][][] values;
  private final int[][][] clippedActions;
  private final double[][] latest;

  /**
   * Room for the largest block of a run.
   *
   * @param outerIterations most outer iterations in a block
   * @param states rows of the whole table
   * @param innerSteps K of the row program
   */
  public RowResults(int outerIterations, int states, int innerSteps) {
    values = new double[outerIterations][RowMetric.COUNT][states];
    clippedActions = new int[outerIterations][innerSteps][states];
    latest = new double[RowMetric.COUNT][states];
  }

  /** One metric of the block's {@code outerIteration}-th iteration (from 0), for all states. */
  public double[] metric(int outerIteration, RowMetric metric) {
    return values[outerIteration][metric.ordinal()];
  }

  /** One metric of the policy as it is now, for all states. */
  public double[] latest(RowMetric metric) {
    return latest[metric.ordinal()];
  }

  /** Number of actions whose clip was active when an inner step's gradient was taken, per state. */
  public int[] clippedActions(int outerIteration, int innerStep) {
    return clippedActions[outerIteration][innerStep];
  }

  void recordLatest(int row, double[] metrics) {
    for (int m = 0; m < RowMetric.COUNT; m++) {
      latest[m][row] = metrics[m];
    }
  }

  /**
   * Records an outer iteration of a row.
   *
   * @param clipped actions whose clip was active, per inner step
   */
  void record(int outerIteration, int row, double[] metrics, int[] clipped) {
    for (int k = 0; k < clipped.length; k++) {
      clippedActions[outerIteration][k][row] = clipped[k];
    }
    recordLatest(row, metrics);
    for (int m = 0; m < RowMetric.COUNT; m++) {
      values[outerIteration][m][row] = metrics[m];
    }
  }

  /** Shows a finished row in an iteration that leaves it alone: ratios of 1, no steps. */
  void repeat(int outerIteration, int row) {
    for (RowMetric metric : RowMetric.values()) {
      values[outerIteration][metric.ordinal()][row] =
          metric.describesPolicy() ? latest[metric.ordinal()][row] : 0.0;
    }
    for (int[] clipped : clippedActions[outerIteration]) {
      clipped[row] = 0;
    }
  }
}
