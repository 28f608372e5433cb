package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;

/** Shape checks shared by everything that fills tables. */
final class TableShape {
  private TableShape() {}

  static void requireRows(RowTable table, long rows, int columns) {
    if (table.rows() != rows || table.columns() != columns) {
      throw new IllegalArgumentException(
          "the table must be [%d, %d], got [%d, %d]"
              .formatted(rows, columns, table.rows(), table.columns()));
    }
    if (table.isBroadcast() && rows > 1) {
      throw new IllegalArgumentException("the table is broadcast and can't hold different rows");
    }
  }

  /** Writes one row everywhere; a broadcast table takes it once. */
  static void writeEveryRow(RowTable table, double[] row) {
    if (table.columns() != row.length) {
      throw new IllegalArgumentException(
          "the table must have %d columns, got %d".formatted(row.length, table.columns()));
    }
    long stored = table.isBroadcast() ? 1 : table.rows();
    for (long i = 0; i < stored; i++) {
      table.writeRow(i, row);
    }
  }

  static void requireVocabulary(String what, long columns, Tokenizer tokenizer) {
    int size = tokenizer.vocabularySize();
    if (columns > size) {
      throw new InputException(
          "%s: the vocabulary is larger than the tokenizer's: %d columns, %s has %d; cut the padding"
                  .formatted(what, columns, tokenizer.name(), size)
              + " columns or use the model's own tokenizer.json");
    }
    if (columns < size) {
      throw new InputException(
          "%s: the vocabulary is smaller than the tokenizer's: %d columns, %s has %d"
              .formatted(what, columns, tokenizer.name(), size));
    }
  }
}
