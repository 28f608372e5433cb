package dev.clipkl.problem;

import dev.clipkl.table.RowTable;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 over all that a problem is made of. */
final class ProblemDigest {
  private final MessageDigest digest;

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

  /** Adds a table's rows; of a broadcast table the one row that is stored. */
  ProblemDigest add(RowTable table) {
    long rows = table.isBroadcast() ? 1 : table.rows();
    for (long row = 0; row < rows; row++) {
      digest.update(table.row(row).asByteBuffer());
    }
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
