package dev.clipkl.table;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An off-heap table {@code [rows, columns]} of float32 or float64, row-major and 64-bit indexed.
 *
 * <p>Every row starts on a cache line ({@link #ROW_ALIGNMENT} bytes), so a row's address never
 * depends on its index modulo the vector width. A broadcast table stores one row and shows it as
 * all rows. The table does not own its memory: it lives as long as the arena it was made from.
 */
public final class RowTable {
  /** Bytes; a cache line, and the widest vector register. */
  public static final int ROW_ALIGNMENT = 64;

  /** How an entry is stored. */
  public enum Precision {
    FLOAT32(Float.BYTES),
    FLOAT64(Double.BYTES);

    private final int bytes;

    Precision(int bytes) {
      this.bytes = bytes;
    }

    /** Bytes per entry. */
    public int bytes() {
      return bytes;
    }
  }

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;

  private final MemorySegment memory;
  private final Precision precision;
  private final long rows;
  private final int columns;
  private final long rowStrideBytes;

  private RowTable(
      MemorySegment memory, Precision precision, long rows, int columns, long rowStrideBytes) {
    if (!(rows >= 1) || !(columns >= 1)) {
      throw new IllegalArgumentException(
          "a table needs at least one row and one column, got [%d, %d]".formatted(rows, columns));
    }
    this.memory = memory;
    this.precision = precision;
    this.rows = rows;
    this.columns = columns;
    this.rowStrideBytes = rowStrideBytes;
  }

  /** A zeroed float32 table {@code [rows, columns]}. */
  public static RowTable allocate(Arena arena, long rows, int columns) {
    return allocate(arena, Precision.FLOAT32, rows, columns);
  }

  /** A zeroed table {@code [rows, columns]}. */
  public static RowTable allocate(Arena arena, Precision precision, long rows, int columns) {
    MemorySegment memory = arena.allocate(allocatedBytes(precision, rows, columns), ROW_ALIGNMENT);
    return new RowTable(memory, precision, rows, columns, strideBytes(precision, columns));
  }

  /**
   * A zeroed float32 row, shown as {@code rows} equal rows: {@code [rows, columns]} in one row's
   * memory.
   */
  public static RowTable broadcast(Arena arena, long rows, int columns) {
    MemorySegment memory = arena.allocate(strideBytes(Precision.FLOAT32, columns), ROW_ALIGNMENT);
    return new RowTable(memory, Precision.FLOAT32, rows, columns, 0);
  }

  /** The bytes that {@link #allocate} takes for {@code [rows, columns]}, padding included. */
  public static long allocatedBytes(Precision precision, long rows, int columns) {
    return Math.multiplyExact(rows, strideBytes(precision, columns));
  }

  private static long strideBytes(Precision precision, int columns) {
    return Math.ceilDiv((long) columns * precision.bytes(), ROW_ALIGNMENT) * ROW_ALIGNMENT;
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

  /** How entries are stored. */
  public Precision precision() {
    return precision;
  }

  /** The {@code columns} entries of one row, without its padding; shares memory with the table. */
  public MemorySegment row(long row) {
    return memory.asSlice(offset(row), (long) columns * precision.bytes());
  }

  /** Copies row {@code row} into the first {@code columns} entries; rounds float64 to nearest. */
  public void readRow(long row, float[] destination) {
    long offset = offset(row);
    switch (precision) {
      case FLOAT32 -> MemorySegment.copy(memory, FLOAT, offset, destination, 0, columns);
      case FLOAT64 -> {
        for (int a = 0; a < columns; a++) {
          destination[a] = (float) memory.get(DOUBLE, offset + (long) a * Double.BYTES);
        }
      }
    }
  }

  /** Copies row {@code row} into the first {@code columns} entries of {@code destination}. */
  public void readRow(long row, double[] destination) {
    long offset = offset(row);
    switch (precision) {
      case FLOAT64 -> MemorySegment.copy(memory, DOUBLE, offset, destination, 0, columns);
      case FLOAT32 -> {
        for (int a = 0; a < columns; a++) {
          destination[a] = memory.get(FLOAT, offset + (long) a * Float.BYTES);
        }
      }
    }
  }

  /** Copies the first {@code columns} entries of {@code source} into row {@code row}. */
  public void writeRow(long row, float[] source) {
    long offset = offset(row);
    switch (precision) {
      case FLOAT32 -> MemorySegment.copy(source, 0, memory, FLOAT, offset, columns);
      case FLOAT64 -> {
        for (int a = 0; a < columns; a++) {
          memory.set(DOUBLE, offset + (long) a * Double.BYTES, source[a]);
        }
      }
    }
  }

  /** Copies the first {@code columns} entries into row {@code row}; rounds to float32 tables. */
  public void writeRow(long row, double[] source) {
    long offset = offset(row);
    switch (precision) {
      case FLOAT64 -> MemorySegment.copy(source, 0, memory, DOUBLE, offset, columns);
      case FLOAT32 -> {
        for (int a = 0; a < columns; a++) {
          memory.set(FLOAT, offset + (long) a * Float.BYTES, (float) source[a]);
        }
      }
    }
  }

  /** One entry; for tests and small reads, not for loops over a vocabulary. */
  public double get(long row, int column) {
    long offset = offset(row) + (long) column * precision.bytes();
    return switch (precision) {
      case FLOAT32 -> memory.get(FLOAT, offset);
      case FLOAT64 -> memory.get(DOUBLE, offset);
    };
  }

  private long offset(long row) {
    if (row < 0 || row >= rows) {
      throw new IndexOutOfBoundsException("row %d of a table with %d rows".formatted(row, rows));
    }
    return row * rowStrideBytes;
  }
}
