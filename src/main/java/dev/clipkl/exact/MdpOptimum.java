package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;

/**
 * The optimum of a finite MDP with its certificate: {@code lower <= V* <= upper} at every state.
 *
 * @param lower certified lower bound of {@code V*}, {@code [states]}
 * @param upper certified upper bound of {@code V*}, {@code [states]}
 * @param logPolicy the greedy policy, {@code log p*}, nats, {@code [states, actions]}; negative
 *     infinity where the optimum has a zero
 * @param actionValues the Q that it is greedy for, {@code [states, actions]}
 * @param rows the row optima for these Q, {@code [states]}
 * @param iterations evaluations (policy iteration) or sweeps (value iteration)
 */
@SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
public record MdpOptimum(
    double[] lower,
    double[] upper,
    double[][] logPolicy,
    double[][] actionValues,
    RowOptimum[] rows,
    int iterations) {

  /** The largest {@code upper - lower} over the states. */
  public double width() {
    double width = 0.0;
    for (int s = 0; s < lower.length; s++) {
      width = Math.max(width, upper[s] - lower[s]);
    }
    return width;
  }

  /** {@code u . lower}. */
  public double lower(double[] startDistribution) {
    return PolicyValues.dot(startDistribution, lower);
  }

  /** {@code u . upper}. */
  public double upper(double[] startDistribution) {
    return PolicyValues.dot(startDistribution, upper);
  }
}
