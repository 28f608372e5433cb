package dev.clipkl.cli;

import java.util.Locale;

/** Sizes for a reader. */
final class ByteSize {
  private ByteSize() {}

  /** Binary units with one decimal, such as {@code 1.5 GiB}; whole bytes below 1 KiB. */
  static String format(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    int power = Math.min(5, (63 - Long.numberOfLeadingZeros(bytes)) / 10);
    return String.format(
        Locale.ROOT, "%.1f %ciB", bytes / (double) (1L << (10 * power)), "KMGTP".charAt(power - 1));
  }
}
