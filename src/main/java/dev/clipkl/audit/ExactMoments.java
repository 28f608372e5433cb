package dev.clipkl.audit;

/**
 * Mean, variance and kurtosis of a quantity under a law that is summed out exactly.
 *
 * <p>Plain power sums: a KL estimator's mean is of the order of its standard deviation or below, so
 * that central moments lose a few digits at most.
 */
final class ExactMoments {
  private double first;
  private double second;
  private double third;
  private double fourth;

  /**
   * Adds one row. Rows are summed on their own first: millions of tiny terms, many of them equal,
   * would all round the same way against the whole sum.
   *
   * @param start the row's probability
   * @param law of the row's tokens, {@code [actions]}
   * @param values {@code [actions]}
   */
  void addRow(double start, double[] law, double[] values) {
    double rowFirst = 0.0;
    double rowSecond = 0.0;
    double rowThird = 0.0;
    double rowFourth = 0.0;
    for (int a = 0; a < law.length; a++) {
      double value = values[a];
      double weighted = law[a] * value;
      double weightedSquare = weighted * value;
      rowFirst += weighted;
      rowSecond += weightedSquare;
      rowThird += weightedSquare * value;
      rowFourth += weightedSquare * value * value;
    }
    first += start * rowFirst;
    second += start * rowSecond;
    third += start * rowThird;
    fourth += start * rowFourth;
  }

  double mean() {
    return first;
  }

  double variance() {
    return Math.max(0.0, second - first * first);
  }

  /** {@code E(x - m)^4 / variance^2}; 1 for a constant. */
  double kurtosis() {
    double variance = variance();
    if (variance == 0.0) {
      return 1.0;
    }
    double central =
        fourth - 4.0 * first * third + 6.0 * first * first * second - 3.0 * Math.pow(first, 4);
    return Math.max(1.0, central / (variance * variance));
  }
}
