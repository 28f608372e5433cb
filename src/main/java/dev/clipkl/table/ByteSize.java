package dev.clipkl.table;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes in bytes, as people write and read them. */
public final class ByteSize {
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,18}(?:\\.\\d{1,18})?)\\s*([KMGT]i?)?B", Pattern.CASE_INSENSITIVE);
  private static final String[] BINARY_UNITS = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final String PREFIXES = "KMGT";

  private ByteSize() {}

  /**
   * The bytes meant by {@code text}: a number and a unit, decimal ({@code 6GB} is 6,000,000,000) or
   * binary ({@code 512MiB} is 536,870,912), in any letter case; a fraction of a byte is dropped.
   *
   * @return empty when {@code text} is no such size or does not fit in a long
   */
  public static Optional<Long> parse(String text) {
    Matcher matcher = SIZE.matcher(text.strip());
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String prefix = matcher.group(2) == null ? "" : matcher.group(2).toUpperCase(Locale.ROOT);
    int power = prefix.isEmpty() ? 0 : PREFIXES.indexOf(prefix.charAt(0)) + 1;
    BigDecimal unit = BigDecimal.valueOf(prefix.length() == 2 ? 1024 : 1000).pow(power);
    BigDecimal bytes =
        new BigDecimal(matcher.group(1)).multiply(unit).setScale(0, RoundingMode.DOWN);
    return bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0
        ? Optional.empty()
        : Optional.of(bytes.longValueExact());
  }

  /**
   * {@code bytes} with one decimal in the largest binary unit that keeps it at 1 or more: {@code
   * 1.6 GiB}; below 1 KiB in whole bytes: {@code 12 B}.
   */
  public static String format(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    double value = bytes / 1024.0;
    int unit = 0;
    // 1023.95 and above would print as 1024.0 of the smaller unit.
    while (value >= 1023.95 && unit < BINARY_UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.1f %s", value, BINARY_UNITS[unit]);
  }
}
