package dev.clipkl.table;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An off-heap float32 table {@code [rows, columns]}, row-major and 64-bit indexed.
 *
 * <p>Every row starts on a cache line ({@link #ROW_ALIGNMENT} bytes), so a row's address never
 * depends on its index modulo the vector width. A broadcast table stores one row and shows it as
 * all rows. The table does not own its memory: it lives as long as the arena it was made from.
 */
public final class RowTable {
  /** Bytes; a cache line, and the widest vector register. */
  public static final int ROW_ALIGNMENT = 64;

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private final MemorySegment memory;
  private final long rows;
  private final int columns;
  private final long rowStrideBytes;

  private RowTable(MemorySegment memory, long rows, int columns, long rowStrideBytes) {
    if (!(rows >= 1) || !(columns >= 1)) {
      throw new IllegalArgumentException(
          "a table needs at least one row and one column, got [%d, %d]".formatted(rows, columns));
    }
    this.memory = memory;
    this.rows = rows;
    this.columns = columns;
    this.rowStrideBytes = rowStrideBytes;
  }

  /** A zeroed table {@code [rows, columns]}. */
  public static RowTable allocate(Arena arena, long rows, int columns) {
    MemorySegment memory = arena.allocate(allocatedBytes(rows, columns), ROW_ALIGNMENT);
    return new RowTable(memory, rows, columns, strideBytes(columns));
  }

  /**
   * A zeroed row, shown as {@code rows} equal rows: {@code [rows, columns]} in one row's memory.
   */
  public static RowTable broadcast(Arena arena, long rows, int columns) {
    MemorySegment memory = arena.allocate(strideBytes(columns), ROW_ALIGNMENT);
    return new RowTable(memory, rows, columns, 0);
  }

  /** The bytes that {@link #allocate} takes for {@code [rows, columns]}, padding included. */
  public static long allocatedBytes(long rows, int columns) {
    return Math.multiplyExact(rows, strideBytes(columns));
  }

  private static long strideBytes(int columns) {
    return Math.ceilDiv((long) columns * Float.BYTES, ROW_ALIGNMENT) * ROW_ALIGNMENT;
  }

  /** Number of rows (states). */
  public long rows() {
    return rows;
  }

  /** Number of columns (actions). */
  public int columns() {
    return columns;
  }

  /** Whether all rows are one stored row. */
  public boolean isBroadcast() {
    return rowStrideBytes == 0;
  }

  /** The bytes of memory behind this table. */
  public long bytes() {
    return memory.byteSize();
  }

  /** The {@code columns} floats of one row, without its padding; shares memory with the table. */
  public MemorySegment row(long row) {
    return memory.asSlice(offset(row), (long) columns * Float.BYTES);
  }

  /** Copies row {@code row} into the first {@code columns} entries of {@code destination}. */
  public void readRow(long row, float[] destination) {
    MemorySegment.copy(memory, FLOAT, offset(row), destination, 0, columns);
  }

  /** Copies the first {@code columns} entries of {@code source} into row {@code row}. */
  public void writeRow(long row, float[] source) {
    MemorySegment.copy(source, 0, memory, FLOAT, offset(row), columns);
  }

  /** One entry; for tests and small reads, not for loops over a vocabulary. */
  public float get(long row, int column) {
    return memory.get(FLOAT, offset(row) + (long) column * Float.BYTES);
  }

  /** Sets one entry; on a broadcast table it changes every row. */
  public void set(long row, int column, float value) {
    memory.set(FLOAT, offset(row) + (long) column * Float.BYTES, value);
  }

  private long offset(long row) {
    if (row < 0 || row >= rows) {
      throw new IndexOutOfBoundsException("row %d of a table with %d rows".formatted(row, rows));
    }
    return row * rowStrideBytes;
  }
}
