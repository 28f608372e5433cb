package dev.clipkl.cli;

import dev.clipkl.failure.InputException;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;

/** Row numbers and ranges as a user writes them: {@code 0,3,10-20}, counted from 0. */
final class RowSelection {
  private static final Pattern PART = Pattern.compile("(\\d{1,18})(?:-(\\d{1,18}))?");

  private RowSelection() {}

  /** All rows of a table. */
  static long[] all(long rows) {
    return LongStream.range(0, rows).toArray();
  }

  /**
   * The rows meant, in the order given; the ends of a range belong to it.
   *
   * @param rows how many the table has
   * @throws InputException if the text is no selection, a row is not there, or one is named twice
   */
  static long[] parse(String text, long rows) {
    Set<Long> selected = new LinkedHashSet<>();
    for (String part : text.split(",", -1)) {
      Matcher matcher = PART.matcher(part.strip());
      if (!matcher.matches()) {
        throw new InputException(
            "--rows: expected row numbers and ranges such as 0,3,10-20, got '%s'".formatted(text));
      }
      long first = Long.parseLong(matcher.group(1));
      long last = matcher.group(2) == null ? first : Long.parseLong(matcher.group(2));
      if (last < first) {
        throw new InputException(
            "--rows: expected the smaller row of a range first, got '%s'".formatted(part.strip()));
      }
      if (last >= rows) {
        throw new InputException(
            "--rows: expected rows from 0 to %d, got %d".formatted(rows - 1, last));
      }
      for (long row = first; row <= last; row++) {
        if (!selected.add(row)) {
          throw new InputException("--rows: row %d is named twice in '%s'".formatted(row, text));
        }
      }
    }
    return selected.stream().mapToLong(Long::longValue).toArray();
  }
}
