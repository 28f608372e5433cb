package dev.clipkl.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import org.apache.commons.text.WordUtils;

/** A result for a reader: one name and its value per line, the values aligned. */
final class FieldTable {
  /** Columns of a line; only a single word that is longer goes beyond. */
  static final int WIDTH = 100;

  private static final int GAP = 2;

  private record Field(String name, String value) {}

  private final List<Field> fields = new ArrayList<>();

  /** Adds a line; a value too long for it continues below itself. */
  FieldTable add(String name, String value) {
    fields.add(new Field(name, value));
    return this;
  }

  void print(PrintWriter out) {
    int indent = fields.stream().mapToInt(field -> field.name().length()).max().orElse(0) + GAP;
    String continued = System.lineSeparator() + " ".repeat(indent);
    for (Field field : fields) {
      out.print(field.name());
      out.print(" ".repeat(indent - field.name().length()));
      out.println(WordUtils.wrap(field.value(), WIDTH - indent, continued, false));
    }
  }
}
