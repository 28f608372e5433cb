package dev.clipkl.engine.cuda;

import dev.clipkl.table.RowTable;

/**
 * A table's rows in device memory, in the precision that the host stores them in. Of a table with
 * layers one layer's rows are there, which the others repeat.
 *
 * @param address of the first row
 * @param rowBytes from one row to the next; 0 where one row stands for all
 * @param precision how entries are stored; never float64, which becomes float32 on the way
 */
record DeviceTable(long address, long rowBytes, RowTable.Precision precision) {
  /** A cache line: no two rows share one. */
  private static final int ROW_ALIGNMENT = 128;

  /**
   * The host table that is stored on the device: a table's base where it has layers. Sums in
   * float64 are not rounded before they are added to, so that such a table's rows travel as they
   * are read.
   */
  static RowTable stored(RowTable table) {
    return table.isDouble() ? table : table.base();
  }

  /** Whether the device knows a table's layers. */
  static boolean hasLayers(RowTable table) {
    return stored(table) != table;
  }

  /** Whether the device adds what the rows of a layer share. */
  static boolean sharesRows(RowTable table) {
    return hasLayers(table) && table.shared()[0].length > 0;
  }

  /** Whether rows of a table stay what they are when what their layer shares changes. */
  static boolean canBeKept(RowTable table) {
    return hasLayers(table) || table.shared().length == 0;
  }

  /** Whether a table's entries on the device are not the float32 numbers to compute with. */
  static boolean isConverted(RowTable table, int firstRow, int endRow) {
    return stored(table).isHalf() || sharesRows(table) || isNormalized(table, firstRow, endRow);
  }

  /** Whether any of the rows {@code [firstRow, endRow)} has a normaliser. */
  static boolean isNormalized(RowTable table, int firstRow, int endRow) {
    for (int row = firstRow; row < endRow; row++) {
      if (logNormalizer(table, row) != 0.0) {
        return true;
      }
    }
    return false;
  }

  /** What the device subtracts from a row's stored numbers. */
  static double logNormalizer(RowTable table, int row) {
    return stored(table).logNormalizer(storedRow(table, row));
  }

  /** Where the stored table has a row. */
  static long storedRow(RowTable table, long row) {
    return row % stored(table).rows();
  }

  /** How many rows the device stores of a range of this many. */
  static int storedRows(RowTable table, int rows) {
    RowTable stored = stored(table);
    return stored.isBroadcast() ? 1 : (int) Math.min(rows, stored.rows());
  }

  /** A host table's precision in device memory. */
  static RowTable.Precision precision(RowTable table) {
    return table.isDouble() ? RowTable.Precision.FLOAT32 : stored(table).precision();
  }

  /** Bytes that a row of a host table takes in device memory. */
  static long rowBytes(RowTable table) {
    return rowBytes(table.columns(), precision(table).bytes());
  }

  /** Bytes of a row of entries. */
  static long rowBytes(int columns, int entryBytes) {
    return Math.ceilDiv((long) columns * entryBytes, ROW_ALIGNMENT) * ROW_ALIGNMENT;
  }

  /** The address of a row. */
  long address(long row) {
    return address + row * rowBytes;
  }
}
