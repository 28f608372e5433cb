package dev.clipkl.objective;

/** Combinations of exponentials that keep their digits near zero. */
public final class Exponentials {
  private static final double SERIES_RADIUS = 0.25;
  private static final int SERIES_TERMS = 14;

  /** Beyond it {@code e^x - (1 + x)} loses no digit. */
  private static final double CANCELLATION_ENDS = 30.0;

  private Exponentials() {}

  /**
   * {@code e^x - 1 - x >= 0}, relative error a few units in the last place.
   *
   * <p>Near zero the difference loses every digit, so for {@code |x| < 0.25} the Taylor series is
   * summed by Horner's rule; its first omitted term is below 1e-19 of the result.
   */
  public static double expMinusLinear(double x) {
    if (Math.abs(x) < SERIES_RADIUS) {
      double tail = 1.0;
      for (int n = SERIES_TERMS; n >= 3; n--) {
        tail = 1.0 + x / n * tail;
      }
      return 0.5 * x * x * tail;
    }
    return Math.expm1(x) - x;
  }

  /**
   * {@code e^y (e^x - 1 - x)}, also where {@code e^y} is no longer a number above 0 or {@code e^x}
   * no longer a finite one, but their product is.
   */
  static double scaledExpMinusLinear(double y, double x) {
    return x > CANCELLATION_ENDS
        ? Math.exp(y + x) - Math.exp(y) * (1.0 + x)
        : Math.exp(y) * expMinusLinear(x);
  }

  /** {@code e^x - e^y}, without cancellation when x is close to y; negative infinities allowed. */
  static double difference(double x, double y) {
    return Math.abs(x - y) <= 1.0 ? Math.exp(y) * Math.expm1(x - y) : Math.exp(x) - Math.exp(y);
  }

  /** {@code log(1 + e^x)} without overflow. */
  public static double softplus(double x) {
    return Math.max(x, 0.0) + Math.log1p(Math.exp(-Math.abs(x)));
  }
}
