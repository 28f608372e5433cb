package dev.clipkl.table;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A table {@code [rows, columns]} that is read and written one row at a time, by copying.
 *
 * <p>Its entries are float64 numbers where they are stored as {@link Precision#FLOAT64}, and
 * float32 numbers otherwise, whatever they are stored as and wherever: in memory, in a mapped file,
 * once for all rows, or not at all but computed when a row is read. Threads may read at once, and
 * write different rows.
 */
public abstract sealed class RowTable permits StoredRowTable, ComputedRowTable, LayeredRowTable {
  /** Bytes that rows begin at a multiple of; a cache line, and the widest vector register. */
  public static final int ROW_ALIGNMENT = 64;

  /** What {@link #version} says of rows that may change unseen; equal to no version. */
  public static final long UNKNOWN_VERSION = -1L;

  /** How an entry is stored. */
  public enum Precision {
    /** The upper half of a float32: 8 bits of precision and the whole range. */
    BFLOAT16(Short.BYTES),
    /** IEEE 754 binary16: 11 bits of precision, up to 65,504. */
    FLOAT16(Short.BYTES),
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

  private final Precision precision;
  private final long rows;
  private final int columns;

  RowTable(Precision precision, long rows, int columns) {
    if (!(rows >= 1) || !(columns >= 1)) {
      throw new IllegalArgumentException(
          "a table needs at least one row and one column, got [%d, %d]".formatted(rows, columns));
    }
    this.precision = precision;
    this.rows = rows;
    this.columns = columns;
  }

  /** A zeroed float32 table {@code [rows, columns]} that lives as long as its arena. */
  public static RowTable allocate(Arena arena, long rows, int columns) {
    return allocate(arena, Precision.FLOAT32, rows, columns);
  }

  /** A zeroed table {@code [rows, columns]} that lives as long as its arena. */
  public static RowTable allocate(Arena arena, Precision precision, long rows, int columns) {
    MemorySegment memory =
        ZeroedMemory.allocate(arena, allocatedBytes(precision, rows, columns), ROW_ALIGNMENT);
    return new StoredRowTable(
        memory, precision, rows, columns, strideBytes(precision, columns), StoredRowTable.ALL_ROWS);
  }

  /**
   * A zeroed float32 row, shown as {@code rows} equal rows: {@code [rows, columns]} in one row's
   * memory.
   */
  public static RowTable broadcast(Arena arena, long rows, int columns) {
    MemorySegment memory = arena.allocate(strideBytes(Precision.FLOAT32, columns), ROW_ALIGNMENT);
    return new StoredRowTable(memory, Precision.FLOAT32, rows, columns, 0, StoredRowTable.ALL_ROWS);
  }

  /** Writes the entries of a row into the first {@code columns} entries of an array. */
  @FunctionalInterface
  public interface RowFunction {
    /** Computes a row; threads call it at once. The same row must give the same bits. */
    void compute(long row, float[] destination);
  }

  /** A float32 table that takes no memory: a row is computed whenever it is read. */
  public static RowTable computed(long rows, int columns, RowFunction function) {
    return new ComputedRowTable(rows, columns, function);
  }

  /**
   * A table's rows once for each layer, {@code [layers * rows, columns]}: row {@code layer * rows +
   * row} is row {@code row}.
   */
  public static RowTable layered(RowTable base, int layers) {
    return layers == 1 ? base : new LayeredRowTable(base, new double[layers][0]);
  }

  /**
   * The same with numbers added that all rows of a layer share. Read as float32 a sum is rounded
   * once; read as float64 it is not rounded to float32.
   *
   * @param shared {@code [layers, columns]}; kept, and read whenever a row is
   */
  public static RowTable layered(RowTable base, double[][] shared) {
    for (double[] layer : shared) {
      if (layer.length != base.columns()) {
        throw new IllegalArgumentException(
            "expected %d shared numbers, got %d".formatted(base.columns(), layer.length));
      }
    }
    return new LayeredRowTable(base, shared);
  }

  /** The bytes that {@link #allocate} takes for {@code [rows, columns]}, padding included. */
  public static long allocatedBytes(Precision precision, long rows, int columns) {
    return Math.multiplyExact(rows, strideBytes(precision, columns));
  }

  static long strideBytes(Precision precision, int columns) {
    return Math.ceilDiv((long) columns * precision.bytes(), ROW_ALIGNMENT) * ROW_ALIGNMENT;
  }

  /** Number of rows (states). */
  public final long rows() {
    return rows;
  }

  /** Number of columns (actions). */
  public final int columns() {
    return columns;
  }

  /** How entries are stored; float32 for rows that are computed. */
  public final Precision precision() {
    return precision;
  }

  /** Whether entries are float64 numbers; they are float32 numbers otherwise. */
  public final boolean isDouble() {
    return precision == Precision.FLOAT64;
  }

  /** Whether entries are stored in 16 bits, and so were rounded when they were written. */
  public final boolean isHalf() {
    return precision.bytes() == Short.BYTES;
  }

  /** The table whose rows this one's layers repeat; this one where it has no layers. */
  public RowTable base() {
    return this;
  }

  /**
   * What {@link #layered} adds to each layer's rows, {@code [layers, columns]}, or {@code [layers,
   * 0]} where that is nothing; no rows where there are no layers. May change between reads.
   */
  public double[][] shared() {
    return new double[0][];
  }

  /** Whether all rows are one stored row. */
  public abstract boolean isBroadcast();

  /** The bytes of memory or file behind this table. */
  public abstract long bytes();

  /** Copies row {@code row} into the first {@code columns} entries; rounds float64 to nearest. */
  public abstract void readRow(long row, float[] destination);

  /**
   * Copies entries {@code [start, start + length)} of row {@code row} to the same places of {@code
   * destination}, as {@link #readRow(long, float[])} does. The pieces of a row are read in order,
   * from its first entry to its last and into one array: a row that is computed arrives with its
   * first piece.
   */
  public abstract void readPiece(long row, float[] destination, int start, int length);

  /**
   * Row {@code row} itself, {@code 4 columns} bytes, where its entries are float32 numbers in
   * memory just as {@link #readRow(long, float[])} would copy them; else null. For reading alone.
   */
  public abstract @Nullable MemorySegment floats(long row);

  /**
   * Row {@code row} itself as {@link #floats} shows it, to be overwritten; null where that shows
   * nothing, or one row as all. Every call counts as a write ({@link #version}), so what it returns
   * is for one pass over the row.
   */
  public abstract @Nullable MemorySegment writableFloats(long row);

  /**
   * A number that is another one whenever the row may read differently, for those who keep what
   * they have computed from it; {@link #UNKNOWN_VERSION} where that cannot be told.
   */
  public abstract long version(long row);

  /** Copies row {@code row} into the first {@code columns} entries of {@code destination}. */
  public abstract void readRow(long row, double[] destination);

  /**
   * Copies the first {@code columns} entries of {@code source} into row {@code row}, rounding to
   * nearest where the table stores fewer bits.
   *
   * @throws dev.clipkl.failure.InputException if a finite number is beyond the range of a 16-bit
   *     table
   */
  public abstract void writeRow(long row, float[] source);

  /** The same for float64 numbers. */
  public abstract void writeRow(long row, double[] source);

  /**
   * Makes the entries of a row {@code (float) (x - logNormalizer)}, x its stored numbers: so a row
   * of logits can be read as log-probabilities without storing it anew. Writing the row undoes it.
   *
   * @throws IllegalStateException for tables that are computed or hold float64
   */
  public abstract void setLogNormalizer(long row, double logNormalizer);

  /**
   * Copies row {@code row} as it is stored, {@code columns * precision().bytes()} bytes; {@link
   * #logNormalizer} has not been subtracted.
   *
   * @param destination at least as large
   */
  public abstract void readStored(long row, MemorySegment destination);

  /**
   * Overwrites row {@code row} with what {@link #readStored} of a table of the same precision gave.
   */
  public abstract void writeStored(long row, MemorySegment source);

  /** What {@link #readRow} subtracts from a row's stored numbers; 0 where nothing was set. */
  public abstract double logNormalizer(long row);

  /** One entry; for tests and small reads, not for loops over a vocabulary. */
  public abstract double get(long row, int column);

  final void requireRow(long row) {
    if (row < 0 || row >= rows) {
      throw new IndexOutOfBoundsException("row %d of a table with %d rows".formatted(row, rows));
    }
  }
}
