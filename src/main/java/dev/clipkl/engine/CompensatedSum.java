package dev.clipkl.engine;

/**
 * A sum with Neumaier's compensation: of n terms it is off by at most {@code 2^-53 |sum| + n^2
 * 2^-106 sum |terms|}. NaN and infinite terms make it NaN or infinite.
 */
public final class CompensatedSum {
  private double sum;
  private double lost;

  /** Adds a term. */
  public void add(double term) {
    double next = sum + term;
    lost += Math.abs(sum) >= Math.abs(term) ? (sum - next) + term : (term - next) + sum;
    sum = next;
  }

  /** The sum so far. */
  public double value() {
    return sum + lost;
  }
}
