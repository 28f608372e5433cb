package dev.clipkl.table;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes a safetensors file as a stream, atomically (see {@link AtomicFile}).
 *
 * <p>Tensors are declared first; their elements follow in the declared order, row-major, in pieces
 * of any size, a piece never reaching from one tensor into the next. The same input gives the same
 * bytes. The data begins at a multiple of 64 bytes.
 */
public final class SafetensorsWriter implements AutoCloseable {
  private static final int DATA_ALIGNMENT = 64;
  private static final int BUFFER_BYTES = 1 << 20;

  /**
   * A tensor to be written.
   *
   * @param name its name, unique in the file
   * @param type F16, BF16, F32, F64, I32 or I64
   * @param shape the lengths of its dimensions, outermost first; none may be negative
   */
  public record Declaration(String name, TensorType type, List<Long> shape) {
    public Declaration {
      shape = List.copyOf(shape);
      if (name.equals(SafetensorsHeader.METADATA)) {
        throw new IllegalArgumentException("a tensor cannot be named " + name);
      }
      switch (type) {
        case F16, BF16, F32, F64, I32, I64 -> {}
        default -> throw new IllegalArgumentException("cannot write tensors of type " + type);
      }
      if (shape.stream().anyMatch(length -> length < 0)) {
        throw new IllegalArgumentException(
            "tensor %s: negative length in shape %s".formatted(name, shape));
      }
    }

    /** The same with the lengths one by one. */
    public Declaration(String name, TensorType type, long... shape) {
      this(name, type, Arrays.stream(shape).boxed().toList());
    }

    /** The number of elements: the product of the lengths. */
    public long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    long bytes() {
      return Math.multiplyExact(elements(), (long) type.bytes());
    }
  }

  private final AtomicFile file;
  private final List<Declaration> declarations;
  private final ByteBuffer buffer =
      ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
  private final MemorySegment bufferMemory = MemorySegment.ofBuffer(buffer);
  private int current;
  private long remaining;

  private SafetensorsWriter(AtomicFile file, List<Declaration> declarations) {
    this.file = file;
    this.declarations = declarations;
    this.remaining = declarations.isEmpty() ? 0 : declarations.getFirst().elements();
  }

  /**
   * Starts a file and writes its header.
   *
   * @param metadata written in the order of its keys
   * @throws InputException if the target's folder is missing or not writable
   * @throws EnvironmentException if the disk has too little room for the whole file
   */
  public static SafetensorsWriter open(
      Path target, Map<String, String> metadata, List<Declaration> declarations) {
    Set<String> names = new HashSet<>();
    for (Declaration declaration : declarations) {
      if (!names.add(declaration.name())) {
        throw new IllegalArgumentException("two tensors are named " + declaration.name());
      }
    }
    byte[] header = header(metadata, declarations);
    long bytes = (long) Long.BYTES + header.length;
    for (Declaration declaration : declarations) {
      bytes = Math.addExact(bytes, declaration.bytes());
    }
    AtomicFile file = AtomicFile.open(target);
    try {
      file.requireSpace(bytes);
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      file.write(length.putLong(header.length).flip());
      file.write(ByteBuffer.wrap(header));
      return new SafetensorsWriter(file, List.copyOf(declarations));
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static byte[] header(Map<String, String> metadata, List<Declaration> declarations) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart(SafetensorsHeader.METADATA);
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long begin = 0;
      for (Declaration declaration : declarations) {
        json.writeObjectFieldStart(declaration.name());
        json.writeStringField("dtype", declaration.type().name());
        json.writeFieldName("shape");
        long[] shape = declaration.shape().stream().mapToLong(Long::longValue).toArray();
        json.writeArray(shape, 0, shape.length);
        long end = Math.addExact(begin, declaration.bytes());
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {begin, end}, 0, 2);
        json.writeEndObject();
        begin = end;
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    int padding = Math.floorMod(-(Long.BYTES + bytes.size()), DATA_ALIGNMENT);
    bytes.writeBytes(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
    return bytes.toByteArray();
  }

  /**
   * Appends {@code values[0..count)} to the current tensor, which is floating-point; narrower types
   * are rounded to nearest, ties to even.
   *
   * @throws InputException if a finite value does not fit in the tensor's type
   */
  public void writeFloats(float[] values, int count) {
    Objects.checkFromIndexSize(0, count, values.length);
    TensorType type = begin(count);
    switch (type) {
      case F32 -> {
        for (int done = 0; done < count; ) {
          int n = fit(count - done, Float.BYTES);
          MemorySegment.copy(values, done, bufferMemory, Tensor.FLOAT, buffer.position(), n);
          done += advance(n, Float.BYTES);
        }
      }
      case F64 -> {
        for (int i = 0; i < count; i++) {
          fit(1, Double.BYTES);
          buffer.putDouble(values[i]);
        }
      }
      case F16, BF16 -> {
        for (int i = 0; i < count; i++) {
          fit(1, Short.BYTES);
          buffer.putShort(narrow(type, values[i], values[i], i));
        }
      }
      default -> throw mismatch("floating-point", type);
    }
    end(count);
  }

  /**
   * Appends {@code values[0..count)} to the current tensor, which is floating-point; narrower types
   * are rounded once, to nearest, ties to even.
   *
   * @throws InputException if a finite value does not fit in the tensor's type
   */
  public void writeDoubles(double[] values, int count) {
    Objects.checkFromIndexSize(0, count, values.length);
    TensorType type = begin(count);
    switch (type) {
      case F64 -> {
        for (int done = 0; done < count; ) {
          int n = fit(count - done, Double.BYTES);
          MemorySegment.copy(values, done, bufferMemory, Tensor.DOUBLE, buffer.position(), n);
          done += advance(n, Double.BYTES);
        }
      }
      case F32 -> {
        for (int i = 0; i < count; i++) {
          float value = (float) values[i];
          if (Float.isInfinite(value) && !Double.isInfinite(values[i])) {
            throw tooLarge(type, values[i], i);
          }
          fit(1, Float.BYTES);
          buffer.putFloat(value);
        }
      }
      case F16, BF16 -> {
        for (int i = 0; i < count; i++) {
          fit(1, Short.BYTES);
          buffer.putShort(narrow(type, FloatNarrowing.roundToOdd(values[i]), values[i], i));
        }
      }
      default -> throw mismatch("floating-point", type);
    }
    end(count);
  }

  private short narrow(TensorType type, float value, double original, int index) {
    boolean half = type == TensorType.F16;
    short bits = half ? Float.floatToFloat16(value) : FloatNarrowing.toBfloat16(value);
    int infinity = half ? 0x7c00 : 0x7f80;
    if ((bits & 0x7fff) == infinity && Double.isFinite(original)) {
      throw tooLarge(type, original, index);
    }
    return bits;
  }

  /** Appends {@code values[0..count)} to the current tensor, which is I32 or I64. */
  public void writeInts(int[] values, int count) {
    Objects.checkFromIndexSize(0, count, values.length);
    TensorType type = begin(count);
    for (int i = 0; i < count; i++) {
      switch (type) {
        case I32 -> {
          fit(1, Integer.BYTES);
          buffer.putInt(values[i]);
        }
        case I64 -> {
          fit(1, Long.BYTES);
          buffer.putLong(values[i]);
        }
        default -> throw mismatch("I32 or I64", type);
      }
    }
    end(count);
  }

  /** Appends {@code values[0..count)} to the current tensor, which is I64. */
  public void writeLongs(long[] values, int count) {
    Objects.checkFromIndexSize(0, count, values.length);
    TensorType type = begin(count);
    if (type != TensorType.I64) {
      throw mismatch("I64", type);
    }
    for (int done = 0; done < count; ) {
      int n = fit(count - done, Long.BYTES);
      MemorySegment.copy(values, done, bufferMemory, Tensor.LONG, buffer.position(), n);
      done += advance(n, Long.BYTES);
    }
    end(count);
  }

  /**
   * Appends one row of {@code table}, without its padding; see {@link #writeFloats}. A float64
   * table comes back bit for bit only from an F64 tensor.
   */
  public void writeRow(RowTable table, long row) {
    if (table.isDouble()) {
      writeRow(table, row, new double[table.columns()]);
    } else {
      writeRow(table, row, new float[table.columns()]);
    }
  }

  private void writeRow(RowTable table, long row, double[] values) {
    table.readRow(row, values);
    writeDoubles(values, values.length);
  }

  private void writeRow(RowTable table, long row, float[] values) {
    table.readRow(row, values);
    writeFloats(values, values.length);
  }

  /** Appends every row of {@code table}; a broadcast table is written out in full. */
  public void writeTable(RowTable table) {
    // One array for all rows: garbage of a row's size would make the heap grow.
    double[] doubles = new double[table.isDouble() ? table.columns() : 0];
    float[] floats = new float[table.isDouble() ? 0 : table.columns()];
    for (long row = 0; row < table.rows(); row++) {
      if (table.isDouble()) {
        writeRow(table, row, doubles);
      } else {
        writeRow(table, row, floats);
      }
    }
  }

  /**
   * Flushes the file to the disk and puts it in the target's place.
   *
   * @throws IllegalStateException if a declared tensor did not get all its elements; nothing is
   *     written then
   * @throws EnvironmentException if the disk is full or fails
   */
  public void commit() {
    skipComplete();
    if (current < declarations.size()) {
      Declaration declaration = declarations.get(current);
      throw new IllegalStateException(
          "%s: tensor %s: expected %d elements, got %d"
              .formatted(
                  file.target(),
                  declaration.name(),
                  declaration.elements(),
                  declaration.elements() - remaining));
    }
    flush();
    file.commit();
  }

  /** Discards the file unless it was committed. */
  @Override
  public void close() {
    file.close();
  }

  private void skipComplete() {
    while (remaining == 0 && current < declarations.size()) {
      current++;
      remaining = current < declarations.size() ? declarations.get(current).elements() : 0;
    }
  }

  /** The type of the tensor that the next {@code count} elements belong to. */
  private TensorType begin(int count) {
    skipComplete();
    if (current == declarations.size() || count > remaining) {
      throw new IllegalStateException(
          "%s: %d elements written where %d are left of %s"
              .formatted(
                  file.target(),
                  count,
                  remaining,
                  current == declarations.size()
                      ? "the declared tensors"
                      : "tensor " + declarations.get(current).name()));
    }
    return declarations.get(current).type();
  }

  private void end(int count) {
    remaining -= count;
  }

  /** Makes room for at least one element; returns how many of {@code elements} fit now. */
  private int fit(int elements, int elementBytes) {
    if (buffer.remaining() < elementBytes) {
      flush();
    }
    return Math.min(elements, buffer.remaining() / elementBytes);
  }

  private int advance(int elements, int elementBytes) {
    buffer.position(buffer.position() + elements * elementBytes);
    return elements;
  }

  private void flush() {
    file.write(buffer.flip());
    buffer.clear();
  }

  private IllegalStateException mismatch(String expected, TensorType type) {
    return new IllegalStateException(
        "%s: tensor %s has type %s, the elements written need %s"
            .formatted(file.target(), declarations.get(current).name(), type, expected));
  }

  private InputException tooLarge(TensorType type, double value, int index) {
    Declaration declaration = declarations.get(current);
    return new InputException(
        "%s: tensor %s: element %d: %s does not fit in %s; use a wider type"
            .formatted(
                file.target(),
                declaration.name(),
                declaration.elements() - remaining + index,
                value,
                type));
  }
}
