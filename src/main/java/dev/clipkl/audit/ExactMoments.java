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
   * Adds one outcome.
   *
   * @param probability of it; all of them sum to 1
   */
  void add(double probability, double value) {
    double weighted = probability * value;
    double square = value * value;
    first += weighted;
    second += weighted * value;
    third += weighted * square;
    fourth += probability * square * square;
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
