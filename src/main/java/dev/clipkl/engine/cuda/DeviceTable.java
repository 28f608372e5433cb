package dev.clipkl.engine.cuda;

import dev.clipkl.table.RowTable;

/**
 * A table's rows in device memory, in the precision that the host stores them in.
 *
 * @param address of the first row
 * @param rowBytes from one row to the next; 0 where one row stands for all
 * @param precision how entries are stored; never float64, which becomes float32 on the way
 */
record DeviceTable(long address, long rowBytes, RowTable.Precision precision) {
  /** A cache line: no two rows share one. */
  private static final int ROW_ALIGNMENT = 128;

  /** A host table's precision in device memory. */
  static RowTable.Precision precision(RowTable table) {
    return table.isDouble() ? RowTable.Precision.FLOAT32 : table.precision();
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
