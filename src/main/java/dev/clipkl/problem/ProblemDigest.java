package dev.clipkl.problem;

import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.ObjIntConsumer;

/** SHA-256 over all that a problem is made of. */
final class ProblemDigest {
  private static final int BUFFER_BYTES = 1 << 15;

  private final MessageDigest digest;
  private final ByteBuffer buffer =
      ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * A digest that begins with a problem's kind and shape.
   *
   * @param heading keeps problems of different kinds apart
   */
  ProblemDigest(String heading) {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    digest.update(heading.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Adds a table's entries, little-endian, as the numbers they are read as: the same problem has
   * the same digest however its tables are stored. Of a broadcast table the one row that is stored.
   */
  ProblemDigest add(RowTable table) {
    long rows = table.isBroadcast() ? 1 : table.rows();
    if (table.isDouble()) {
      double[] values = new double[table.columns()];
      for (long row = 0; row < rows; row++) {
        table.readRow(row, values);
        add(Double.BYTES, values.length, (bytes, a) -> bytes.putDouble(values[a]));
      }
    } else {
      float[] values = new float[table.columns()];
      for (long row = 0; row < rows; row++) {
        add(table, row, values);
      }
    }
    return this;
  }

  private void add(RowTable table, long row, float[] values) {
    MemorySegment stored = table.floats(row);
    if (stored != null && ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
      digest.update(stored.asByteBuffer());
      return;
    }
    table.readRow(row, values);
    add(Float.BYTES, values.length, (bytes, a) -> bytes.putFloat(values[a]));
  }

  private void add(int elementBytes, int count, ObjIntConsumer<ByteBuffer> element) {
    for (int done = 0; done < count; ) {
      buffer.clear();
      int end = Math.min(count, done + buffer.capacity() / elementBytes);
      for (; done < end; done++) {
        element.accept(buffer, done);
      }
      digest.update(buffer.flip());
    }
  }

  /** Adds the group of every column. */
  ProblemDigest add(ColumnGroups groups) {
    add(Integer.BYTES, groups.columns(), (bytes, column) -> bytes.putInt(groups.group(column)));
    return this;
  }

  /** Adds numbers. */
  ProblemDigest add(double[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Double.BYTES);
    bytes.asDoubleBuffer().put(values);
    digest.update(bytes);
    return this;
  }

  /** The digest, hexadecimal; call it once. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }
}
