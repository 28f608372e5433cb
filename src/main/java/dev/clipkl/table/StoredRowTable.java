package dev.clipkl.table;

import dev.clipkl.failure.InputException;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Rows in off-heap memory or in a mapped file, row-major, 64-bit indexed and little-endian.
 *
 * <p>A row of a mapped file leaves the process's memory once it has been copied, except for the
 * first {@code residentRows}, which stay: a pass over more rows than fit would otherwise find none
 * of them again. While a row is used, one further on is read ahead from the disk.
 */
final class StoredRowTable extends RowTable {
  /** As {@code residentRows}: nothing is ever dropped or read ahead. */
  static final long ALL_ROWS = Long.MAX_VALUE;

  /** Bytes read ahead: milliseconds of disk time, while a row takes about as long to compute. */
  private static final long READ_AHEAD_BYTES = 8L << 20;

  /** Entries that pass through an array in the first-level cache. */
  private static final int PIECE = 1024;

  private final MemorySegment memory;
  private final long strideBytes;
  private final long residentRows;
  private final long rowsAhead;
  private double @Nullable [] logNormalizers;

  /**
   * How often each row has been written, or the one row that is shown as all; empty for files,
   * which others may change.
   */
  private final long[] versions;

  /**
   * A table over memory that the caller owns.
   *
   * @param strideBytes from one row to the next; 0 shows one row as all
   * @param residentRows how many rows, from the first, stay in memory once used
   */
  StoredRowTable(
      MemorySegment memory,
      Precision precision,
      long rows,
      int columns,
      long strideBytes,
      long residentRows) {
    super(precision, rows, columns);
    this.memory = memory;
    this.strideBytes = strideBytes;
    this.residentRows = residentRows;
    rowsAhead = Math.ceilDiv(READ_AHEAD_BYTES, (long) columns * precision.bytes());
    versions = new long[memory.isMapped() ? 0 : strideBytes == 0 ? 1 : Math.toIntExact(rows)];
  }

  @Override
  public boolean isBroadcast() {
    return strideBytes == 0;
  }

  @Override
  public long bytes() {
    return memory.byteSize();
  }

  @Override
  public void readRow(long row, float[] destination) {
    readPiece(row, destination, 0, columns());
  }

  @Override
  public void readPiece(long row, float[] destination, int start, int length) {
    long offset = offset(row);
    int end = start + length;
    switch (precision()) {
      case FLOAT32 ->
          MemorySegment.copy(memory, Tensor.FLOAT, offset + at(start), destination, start, length);
      case FLOAT64 -> {
        for (int a = start; a < end; a++) {
          destination[a] = (float) memory.get(Tensor.DOUBLE, offset + at(a));
        }
      }
      case BFLOAT16 -> {
        for (int a = start; a < end; a++) {
          destination[a] = FloatNarrowing.fromBfloat16(bits(offset, a));
        }
      }
      case FLOAT16 -> {
        for (int a = start; a < end; a++) {
          destination[a] = Float.float16ToFloat(bits(offset, a));
        }
      }
    }
    if (logNormalizers != null && logNormalizers[(int) row] != 0.0) {
      double logNormalizer = logNormalizers[(int) row];
      for (int a = start; a < end; a++) {
        destination[a] = (float) (destination[a] - logNormalizer);
      }
    }
    if (end == columns()) {
      afterReading(row);
    }
  }

  @Override
  public @Nullable MemorySegment floats(long row) {
    boolean isPlain =
        precision() == Precision.FLOAT32
            && residentRows == ALL_ROWS
            && !memory.isMapped()
            && logNormalizer(row) == 0.0;
    return isPlain ? memory.asSlice(offset(row), rowBytes()) : null;
  }

  @Override
  public @Nullable MemorySegment writableFloats(long row) {
    MemorySegment floats = isBroadcast() ? null : floats(row);
    if (floats != null) {
      countWrite(row);
    }
    return floats;
  }

  @Override
  public long version(long row) {
    requireRow(row);
    return versions.length == 0 ? UNKNOWN_VERSION : versions[isBroadcast() ? 0 : (int) row];
  }

  private void countWrite(long row) {
    if (versions.length > 0) {
      versions[isBroadcast() ? 0 : (int) row]++;
    }
  }

  /** Bytes from a row's beginning to an entry. */
  private long at(int column) {
    return (long) column * precision().bytes();
  }

  @Override
  public void readRow(long row, double[] destination) {
    long offset = offset(row);
    int columns = columns();
    switch (precision()) {
      case FLOAT64 -> MemorySegment.copy(memory, Tensor.DOUBLE, offset, destination, 0, columns);
      case FLOAT32 -> readFloats(offset, destination);
      case BFLOAT16 -> {
        for (int a = 0; a < columns; a++) {
          destination[a] = FloatNarrowing.fromBfloat16(bits(offset, a));
        }
      }
      case FLOAT16 -> {
        for (int a = 0; a < columns; a++) {
          destination[a] = Float.float16ToFloat(bits(offset, a));
        }
      }
    }
    if (logNormalizers != null && logNormalizers[(int) row] != 0.0) {
      double logNormalizer = logNormalizers[(int) row];
      for (int a = 0; a < columns; a++) {
        destination[a] = (float) (destination[a] - logNormalizer);
      }
    }
    afterReading(row);
  }

  /** By pieces: a copy and a plain loop over arrays take a third of the time of single reads. */
  private void readFloats(long offset, double[] destination) {
    float[] piece = new float[Math.min(PIECE, columns())];
    for (int start = 0; start < columns(); start += PIECE) {
      int count = Math.min(PIECE, columns() - start);
      MemorySegment.copy(memory, Tensor.FLOAT, offset + at(start), piece, 0, count);
      for (int i = 0; i < count; i++) {
        destination[start + i] = piece[i];
      }
    }
  }

  private short bits(long offset, int column) {
    return memory.get(Tensor.SHORT, offset + (long) column * Short.BYTES);
  }

  @Override
  public void writeRow(long row, float[] source) {
    long offset = offset(row);
    switch (precision()) {
      case FLOAT32 -> MemorySegment.copy(source, 0, memory, Tensor.FLOAT, offset, columns());
      case FLOAT64 -> {
        for (int a = 0; a < columns(); a++) {
          memory.set(Tensor.DOUBLE, offset + (long) a * Double.BYTES, source[a]);
        }
      }
      case BFLOAT16, FLOAT16 -> {
        for (int a = 0; a < columns(); a++) {
          writeHalf(row, a, source[a], source[a]);
        }
      }
    }
    afterWriting(row);
  }

  @Override
  public void writeRow(long row, double[] source) {
    long offset = offset(row);
    switch (precision()) {
      case FLOAT64 -> MemorySegment.copy(source, 0, memory, Tensor.DOUBLE, offset, columns());
      case FLOAT32 -> {
        for (int a = 0; a < columns(); a++) {
          memory.set(Tensor.FLOAT, offset + (long) a * Float.BYTES, (float) source[a]);
        }
      }
      case BFLOAT16, FLOAT16 -> {
        for (int a = 0; a < columns(); a++) {
          writeHalf(row, a, FloatNarrowing.roundToOdd(source[a]), source[a]);
        }
      }
    }
    afterWriting(row);
  }

  @Override
  public void readStored(long row, MemorySegment destination) {
    MemorySegment.copy(memory, offset(row), destination, 0, rowBytes());
    afterReading(row);
  }

  @Override
  public void writeStored(long row, MemorySegment source) {
    MemorySegment.copy(source, 0, memory, offset(row), rowBytes());
    afterWriting(row);
  }

  private void writeHalf(long row, int column, float value, double asGiven) {
    boolean brain = precision() == Precision.BFLOAT16;
    short bits = brain ? FloatNarrowing.toBfloat16(value) : Float.floatToFloat16(value);
    float stored = brain ? FloatNarrowing.fromBfloat16(bits) : Float.float16ToFloat(bits);
    if (Float.isInfinite(stored) && !Double.isInfinite(asGiven)) {
      throw new InputException(
          "row %d, column %d: %s is beyond the range of %s; use a wider storage"
              .formatted(row, column, asGiven, precision().name().toLowerCase(Locale.ROOT)));
    }
    memory.set(Tensor.SHORT, offset(row) + (long) column * Short.BYTES, bits);
  }

  @Override
  public void setLogNormalizer(long row, double logNormalizer) {
    requireRow(row);
    if (isDouble() || isBroadcast()) {
      throw new IllegalStateException("only float32 numbers of separate rows are normalised");
    }
    if (logNormalizers == null) {
      logNormalizers = new double[Math.toIntExact(rows())];
    }
    logNormalizers[(int) row] = logNormalizer;
    countWrite(row);
  }

  @Override
  public double logNormalizer(long row) {
    requireRow(row);
    return logNormalizers == null ? 0.0 : logNormalizers[(int) row];
  }

  @Override
  public double get(long row, int column) {
    long offset = offset(row);
    double stored =
        switch (precision()) {
          case FLOAT32 -> memory.get(Tensor.FLOAT, offset + (long) column * Float.BYTES);
          case FLOAT64 -> memory.get(Tensor.DOUBLE, offset + (long) column * Double.BYTES);
          case BFLOAT16 -> FloatNarrowing.fromBfloat16(bits(offset, column));
          case FLOAT16 -> Float.float16ToFloat(bits(offset, column));
        };
    double logNormalizer = logNormalizer(row);
    return logNormalizer == 0.0 ? stored : (float) (stored - logNormalizer);
  }

  private void afterReading(long row) {
    if (residentRows == ALL_ROWS) {
      return;
    }
    drop(row);
    // After the last row come the first: the next pass begins there.
    long ahead = (row + rowsAhead) % rows();
    if (ahead >= residentRows) {
      Pages.readAhead(memory, offset(ahead), rowBytes());
    }
  }

  private void afterWriting(long row) {
    countWrite(row);
    if (logNormalizers != null) {
      logNormalizers[(int) row] = 0.0;
    }
    if (residentRows != ALL_ROWS) {
      drop(row);
    }
  }

  private void drop(long row) {
    if (row >= residentRows) {
      Pages.drop(memory, offset(row), rowBytes());
    }
  }

  private long rowBytes() {
    return (long) columns() * precision().bytes();
  }

  private long offset(long row) {
    requireRow(row);
    return row * strideBytes;
  }
}
