package dev.clipkl.table;

import dev.clipkl.failure.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/**
 * One tensor of an open {@link SafetensorsFile}: row-major, little-endian, memory-mapped. Reading
 * after the file is closed is an {@link IllegalStateException}. Threads may read at once.
 */
public final class Tensor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Elements converted at a time: small enough for the first-level cache. */
  private static final int CHUNK = 2048;

  /** From here on a read is worth a call to the operating system. */
  private static final long BULK_BYTES = 64 << 10;

  private final Path file;
  private final String name;
  private final TensorType type;
  private final long[] shape;
  private final MemorySegment data;

  Tensor(Path file, String name, TensorType type, long[] shape, MemorySegment data) {
    this.file = file;
    this.name = name;
    this.type = type;
    this.shape = shape;
    this.data = data;
  }

  /** The tensor's name in the file. */
  public String name() {
    return name;
  }

  /** The stored element type. */
  public TensorType type() {
    return type;
  }

  /** The lengths of the dimensions, outermost first; empty for a scalar. A copy. */
  public long[] shape() {
    return shape.clone();
  }

  /** The number of elements: the product of {@link #shape}. */
  public long elements() {
    return data.byteSize() / type.bytes();
  }

  /** The stored little-endian bytes, read-only and not necessarily aligned. */
  public MemorySegment data() {
    return data;
  }

  /** File, name, type and shape in one phrase, for messages. */
  public String describe() {
    return "tensor %s %s %s of %s".formatted(name, type, Arrays.toString(shape), file);
  }

  /**
   * Checks the shape.
   *
   * @param expected the lengths; -1 stands for any
   * @throws InputException naming file, tensor, the expected shape and the shape there is
   */
  public void requireShape(long... expected) {
    boolean same = expected.length == shape.length;
    for (int i = 0; same && i < expected.length; i++) {
      same = expected[i] == -1 || expected[i] == shape[i];
    }
    if (!same) {
      throw new InputException(
          "%s: tensor %s: expected shape %s, got %s"
              .formatted(
                  file,
                  name,
                  Arrays.toString(expected).replace("-1", "any"),
                  Arrays.toString(shape)));
    }
  }

  /**
   * Reads {@code count} elements as floats into {@code destination[0..count)}. F16, BF16 and F32
   * are exact; F64 is rounded to nearest, and to infinity beyond the range of a float.
   *
   * @throws InputException if the stored type is no floating-point type
   * @throws IndexOutOfBoundsException if the elements or the destination do not reach
   */
  public void readFloats(long firstElement, float[] destination, int count) {
    checkRange(firstElement, destination.length, count);
    switch (type) {
      case F32 ->
          MemorySegment.copy(data, FLOAT, firstElement * Float.BYTES, destination, 0, count);
      case F64 -> {
        double[] chunk = new double[Math.min(CHUNK, count)];
        for (int done = 0; done < count; done += chunk.length) {
          int n = Math.min(chunk.length, count - done);
          MemorySegment.copy(data, DOUBLE, (firstElement + done) * Double.BYTES, chunk, 0, n);
          for (int i = 0; i < n; i++) {
            destination[done + i] = (float) chunk[i];
          }
        }
      }
      case F16, BF16 -> {
        short[] chunk = new short[Math.min(CHUNK, count)];
        for (int done = 0; done < count; done += chunk.length) {
          int n = Math.min(chunk.length, count - done);
          MemorySegment.copy(data, SHORT, (firstElement + done) * Short.BYTES, chunk, 0, n);
          widen(chunk, n, destination, done);
        }
      }
      default -> throw wrongType("a floating-point type (F16, BF16, F32, F64)");
    }
    drop(firstElement, count);
  }

  private void widen(short[] source, int count, float[] destination, int offset) {
    if (type == TensorType.F16) {
      for (int i = 0; i < count; i++) {
        destination[offset + i] = Float.float16ToFloat(source[i]);
      }
    } else {
      for (int i = 0; i < count; i++) {
        destination[offset + i] = FloatNarrowing.fromBfloat16(source[i]);
      }
    }
  }

  /**
   * Reads {@code count} elements as doubles into {@code destination[0..count)}: exact for every
   * floating-point type.
   *
   * @throws InputException if the stored type is no floating-point type
   * @throws IndexOutOfBoundsException if the elements or the destination do not reach
   */
  public void readDoubles(long firstElement, double[] destination, int count) {
    checkRange(firstElement, destination.length, count);
    if (type == TensorType.F64) {
      MemorySegment.copy(data, DOUBLE, firstElement * Double.BYTES, destination, 0, count);
      drop(firstElement, count);
      return;
    }
    float[] chunk = new float[Math.min(CHUNK, count)];
    for (int done = 0; done < count; done += chunk.length) {
      int n = Math.min(chunk.length, count - done);
      readFloats(firstElement + done, chunk, n);
      for (int i = 0; i < n; i++) {
        destination[done + i] = chunk[i];
      }
    }
    if (count == 0 && !type.isFloatingPoint()) {
      throw wrongType("a floating-point type (F16, BF16, F32, F64)");
    }
    drop(firstElement, count);
  }

  /**
   * Reads {@code count} elements as longs into {@code destination[0..count)}; BOOL as 0 and 1.
   *
   * @throws InputException if the stored type is no integer type, or a U64 is 2^63 or more
   * @throws IndexOutOfBoundsException if the elements or the destination do not reach
   */
  public void readLongs(long firstElement, long[] destination, int count) {
    checkRange(firstElement, destination.length, count);
    long offset = firstElement * type.bytes();
    switch (type) {
      case I64, U64 -> {
        MemorySegment.copy(data, LONG, offset, destination, 0, count);
        for (int i = 0; type == TensorType.U64 && i < count; i++) {
          if (destination[i] < 0) {
            throw tooLarge(firstElement + i, Long.toUnsignedString(destination[i]), "64");
          }
        }
      }
      case I32, U32 -> {
        long mask = type == TensorType.U32 ? 0xffff_ffffL : -1L;
        for (int i = 0; i < count; i++) {
          destination[i] = data.get(INT, offset + (long) i * Integer.BYTES) & mask;
        }
      }
      case I16, U16 -> {
        long mask = type == TensorType.U16 ? 0xffffL : -1L;
        for (int i = 0; i < count; i++) {
          destination[i] = data.get(SHORT, offset + (long) i * Short.BYTES) & mask;
        }
      }
      case I8, U8, BOOL -> {
        long mask = type == TensorType.I8 ? -1L : 0xffL;
        for (int i = 0; i < count; i++) {
          destination[i] = data.get(ValueLayout.JAVA_BYTE, offset + i) & mask;
        }
      }
      default -> throw wrongType("an integer type");
    }
  }

  /**
   * Reads {@code count} elements as ints into {@code destination[0..count)}; BOOL as 0 and 1.
   *
   * @throws InputException if the stored type is no integer type, or a value does not fit an int
   * @throws IndexOutOfBoundsException if the elements or the destination do not reach
   */
  public void readInts(long firstElement, int[] destination, int count) {
    checkRange(firstElement, destination.length, count);
    if (type == TensorType.I32) {
      MemorySegment.copy(data, INT, firstElement * Integer.BYTES, destination, 0, count);
      return;
    }
    long[] chunk = new long[Math.min(CHUNK, count)];
    int done = 0;
    do {
      int n = Math.min(chunk.length, count - done);
      readLongs(firstElement + done, chunk, n);
      for (int i = 0; i < n; i++) {
        if (chunk[i] != (int) chunk[i]) {
          throw tooLarge(firstElement + done + i, Long.toString(chunk[i]), "32");
        }
        destination[done + i] = (int) chunk[i];
      }
      done += n;
    } while (done < count);
  }

  /**
   * Reads {@code table.columns()} elements from {@code firstElement} on into row {@code row}; exact
   * unless the table stores fewer bits.
   *
   * @throws InputException if the stored type is no floating-point type
   * @throws IndexOutOfBoundsException if the elements or the rows do not reach
   */
  public void readRow(long firstElement, RowTable table, long row) {
    if (table.isDouble()) {
      readRow(firstElement, table, row, new double[table.columns()]);
    } else {
      readRow(firstElement, table, row, new float[table.columns()]);
    }
  }

  private void readRow(long firstElement, RowTable table, long row, double[] values) {
    readDoubles(firstElement, values, values.length);
    table.writeRow(row, values);
  }

  private void readRow(long firstElement, RowTable table, long row, float[] values) {
    readFloats(firstElement, values, values.length);
    table.writeRow(row, values);
  }

  /**
   * Reads the whole tensor, which must have the table's shape {@code [rows, columns]}.
   *
   * @throws InputException if the shape differs or the stored type is no floating-point type
   */
  public void readTable(RowTable table) {
    requireShape(table.rows(), table.columns());
    // One array for all rows: garbage of a row's size would make the heap grow.
    double[] doubles = new double[table.isDouble() ? table.columns() : 0];
    float[] floats = new float[table.isDouble() ? 0 : table.columns()];
    for (long row = 0; row < table.rows(); row++) {
      long first = row * table.columns();
      if (table.isDouble()) {
        readRow(first, table, row, doubles);
      } else {
        readRow(first, table, row, floats);
      }
    }
  }

  /**
   * This tensor {@code [rows, columns]} of floating-point numbers as a table that is read from the
   * file, in the precision that it is stored in; not to be written. It lives as long as the file.
   *
   * @param residentRows how many rows, from the first, stay in memory once they have been used
   * @throws InputException if the shape or the stored type is another
   */
  public RowTable asTable(long residentRows) {
    requireShape(-1, -1);
    int columns = Math.toIntExact(shape[1]);
    return new StoredRowTable(
        data, precision(), shape[0], columns, (long) columns * type.bytes(), residentRows);
  }

  /**
   * How a table stores elements of this type.
   *
   * @throws InputException if the stored type is no floating-point type
   */
  public RowTable.Precision precision() {
    return switch (type) {
      case F16 -> RowTable.Precision.FLOAT16;
      case BF16 -> RowTable.Precision.BFLOAT16;
      case F32 -> RowTable.Precision.FLOAT32;
      case F64 -> RowTable.Precision.FLOAT64;
      default -> throw wrongType("a floating-point type (F16, BF16, F32, F64)");
    };
  }

  /**
   * Whether a table with this storage, filled from this tensor, would have the same entries as
   * {@link #asTable}: float32 holds every type but F64, a 16-bit storage only its own.
   */
  public boolean isStoredAs(RowTable.Precision storage) {
    return type.isFloatingPoint()
        && type != TensorType.F64
        && (storage == RowTable.Precision.FLOAT32 || storage == precision());
  }

  /**
   * Keeps what has been read in bulk out of the process's memory: large tensors are read once, from
   * one end to the other.
   */
  private void drop(long firstElement, int count) {
    long bytes = (long) count * type.bytes();
    if (bytes >= BULK_BYTES) {
      Pages.drop(data, firstElement * type.bytes(), bytes);
    }
  }

  private void checkRange(long firstElement, int destinationLength, int count) {
    Objects.checkFromIndexSize(0, count, destinationLength);
    Objects.checkFromIndexSize(firstElement, count, elements());
  }

  private InputException wrongType(String expected) {
    return new InputException(
        "%s: tensor %s: expected %s, got %s".formatted(file, name, expected, type));
  }

  private InputException tooLarge(long element, String value, String bits) {
    return new InputException(
        "%s: tensor %s: element %d: expected an integer of %s bits with sign, got %s"
            .formatted(file, name, element, bits, value));
  }
}
