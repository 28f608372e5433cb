package dev.clipkl.language;

import dev.clipkl.table.RowTable;

/** Computed reference rows, stored. */
final class ComputedRows {
  private ComputedRows() {}

  /**
   * Copies every row; rows rounded to 16 bits are normalised again.
   *
   * @param rows float32 log-probabilities, nats
   */
  static void copy(RowTable rows, RowTable destination) {
    float[] row = new float[rows.columns()];
    double[] widened = new double[destination.isHalf() ? row.length : 0];
    for (long i = 0; i < rows.rows(); i++) {
      rows.readRow(i, row);
      if (destination.isHalf()) {
        for (int token = 0; token < row.length; token++) {
          widened[token] = row[token];
        }
        LogSoftmax.write(destination, i, widened);
      } else {
        destination.writeRow(i, row);
      }
    }
  }
}
