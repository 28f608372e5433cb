package dev.clipkl.report;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as a report writes them. */
final class Numbers {
  /** What stands for a number that does not exist. */
  static final String NONE = "–";

  private static final int DIGITS = 4;

  private Numbers() {}

  /** Four significant digits, without zeros that say nothing; very small and large ones with e. */
  static String of(double value) {
    return of(value, DIGITS);
  }

  /** The same with another number of digits. */
  static String of(double value, int digits) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? NONE : value > 0.0 ? "infinite" : "-infinite";
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits));
    double magnitude = Math.abs(rounded.doubleValue());
    if (magnitude == 0.0) {
      return "0";
    }
    if (magnitude >= 1e-3 && magnitude < 1e6) {
      return rounded.stripTrailingZeros().toPlainString();
    }
    return String.format(Locale.ROOT, "%." + (digits - 1) + "e", value)
        .replaceFirst("\\.?0*e", "e")
        .replaceFirst("e([+-])0*(\\d)", "e$1$2")
        .replace("e+", "e");
  }

  /** A distance that one reads by its power of ten: two digits. */
  static String small(double value) {
    return of(value, 2);
  }

  /** A fixed number of decimals, so that a column's points stand below one another. */
  static String fixed(double value, int decimals) {
    return Double.isFinite(value)
        ? String.format(Locale.ROOT, "%." + decimals + "f", value)
        : of(value);
  }

  /** A share in percent, of which the last digits before 100 are not rounded away. */
  static String percent(double share) {
    if (!Double.isFinite(share)) {
      return NONE;
    }
    double percent = 100.0 * share;
    int decimals = 1;
    while (decimals < 6
        && percent < 100.0
        && Math.rint(percent * Math.pow(10.0, decimals)) >= 100.0 * Math.pow(10.0, decimals)) {
      decimals++;
    }
    return String.format(Locale.ROOT, "%." + decimals + "f%%", percent);
  }

  /** A whole number with its thousands apart. */
  static String count(long number) {
    return String.format(Locale.ROOT, "%,d", number);
  }

  /** Seconds, with a decimal below a hundred. */
  static String seconds(double seconds) {
    return Double.isFinite(seconds)
        ? String.format(Locale.ROOT, seconds < 100.0 ? "%.1f s" : "%,.0f s", seconds)
        : NONE;
  }
}
