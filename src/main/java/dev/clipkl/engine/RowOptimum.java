package dev.clipkl.engine;

/**
 * A row's exact optimum {@code max_p E_p[Q] - lambda D(p)}, as the one number from which each of
 * its probabilities follows (THEORY 2.1).
 *
 * <p>With {@code h_a = max Q - Q_a >= 0}: where f' is unbounded above, the optimum has {@code
 * f'(w_a) = -(h_a + offset) / lambda}; where f' has a supremum, it has {@code sup f' - f'(w_a) =
 * (h_a + offset) / lambda}. Keeping the offset apart from max Q keeps its digits when it is tiny.
 *
 * @param largestActionValue max Q over the row
 * @param offset see above; the KKT multiplier is {@code nu = max Q + offset}, less {@code lambda
 *     sup f'} where f' has a supremum
 * @param value the optimum's value: the dual value at this offset
 * @param errorBound how far the value can be from the exact optimum: the dual value less the primal
 *     value of the normalised policy, and all rounding
 * @param zeros number of actions with probability 0 at the optimum
 */
public record RowOptimum(
    double largestActionValue, double offset, double value, double errorBound, int zeros) {

  /** No more than the exact optimum: the primal end. */
  public double lowerBound() {
    return value - errorBound;
  }

  /** No less than the exact optimum: the dual end. */
  public double upperBound() {
    return value + errorBound;
  }

  /** The Fenchel-conjugate argument of an action, in the form that its divergence takes. */
  public double conjugateArgument(double actionValue, double lambda, boolean hasSupremum) {
    double distance = (largestActionValue - actionValue + offset) / lambda;
    return hasSupremum ? distance : -distance;
  }
}
