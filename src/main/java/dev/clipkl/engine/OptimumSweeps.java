package dev.clipkl.engine;

/**
 * The sweeps over one row that solving for its optimum is made of, in float64. An engine brings an
 * implementation; the solver decides their order.
 *
 * <p>With {@code h_a = max Q - Q_a} a sweep's argument per action is {@code (h_a + offset) /
 * lambda}: see {@link RowOptimum}. Implementations own scratch memory for one row and are used by
 * one thread. Sums have a fixed order. Reference probabilities below the least normal float64 may
 * count as 0.
 */
public interface OptimumSweeps {

  /**
   * Reads a row; the arrays are not kept.
   *
   * @param logReference log q, nats, {@code [actions]}
   * @param actionValues Q, {@code [actions]}
   * @throws ArithmeticException when an entry is not finite
   */
  RowExtent load(double[] logReference, double[] actionValues);

  /**
   * A lower bound of the offset where f' has a supremum: no action alone may have a mass above 1,
   * so {@code max_a (lambda (sup f' - f'(1 / q_a)) - h_a)} (THEORY 2.4), or slightly less.
   *
   * @throws UnsupportedOperationException where f' has no supremum
   */
  double loneActionOffset();

  /** Mass and slope at an offset; where a term overflows they may be infinite or NaN. */
  OptimumMass measure(double offset);

  /**
   * The probabilities at an offset, {@code q_a w_a}.
   *
   * @param destination {@code [actions]}; written
   */
  void probabilities(double offset, double[] destination);

  /** All that certifies the optimum at an offset. */
  OptimumSums certify(double offset);
}
