package dev.clipkl.training;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.table.RowTable;
import java.util.stream.Stream;

/** Copies a table row by row with several threads, which also share the cost of fresh memory. */
final class TableCopy {
  private TableCopy() {}

  /**
   * Writes every row of one table to another {@code [rows, columns]}, rounding as that one stores.
   *
   * @param source stored or computed
   * @param threads at least 1; the result does not depend on it
   */
  static void copy(RowTable source, RowTable destination, int threads) {
    int rows = Math.toIntExact(destination.rows());
    int columns = destination.columns();
    try (RowThreads visitors = new RowThreads(threads)) {
      if (source.isDouble()) {
        visitors.visit(
            Stream.generate(() -> new double[columns]).limit(threads).toList(),
            0,
            rows,
            (values, row) -> {
              source.readRow(row, values);
              destination.writeRow(row, values);
            });
      } else {
        visitors.visit(
            Stream.generate(() -> new float[columns]).limit(threads).toList(),
            0,
            rows,
            (values, row) -> {
              source.readRow(row, values);
              destination.writeRow(row, values);
            });
      }
    }
  }
}
