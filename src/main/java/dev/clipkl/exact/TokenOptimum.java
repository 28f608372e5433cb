package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;

/**
 * The optimum of a token MDP with its certificate: {@code lower <= V* <= upper} at every state.
 *
 * @param values the values whose action values {@code r + gamma W(class(a))} the rows are optimal
 *     for, {@code [states]}
 * @param lower certified lower bound of {@code V*}, {@code [states]}
 * @param upper certified upper bound of {@code V*}, {@code [states]}
 * @param rows the row optima for those action values, {@code [states]}; their value is {@code (T
 *     W)(s)}
 * @param visitation d of the rows' policy, {@code [states]}
 * @param iterations policy evaluations; 1 where a sweep from the horizon is exact
 */
@SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
public record TokenOptimum(
    double[] values,
    double[] lower,
    double[] upper,
    RowOptimum[] rows,
    double[] visitation,
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
