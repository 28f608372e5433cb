package dev.clipkl.metrics;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.zip.CRC32C;

/**
 * The framing of TensorFlow's record files, all numbers little-endian: {@code uint64 length, uint32
 * masked CRC-32C of the length, data, uint32 masked CRC-32C of the data}.
 */
final class EventRecords {
  private static final int HEADER = Long.BYTES + Integer.BYTES;

  /** Longer than any record of metrics: a length beyond it is damage. */
  private static final long LONGEST = 1 << 20;

  private EventRecords() {}

  /** A record ready to be appended. */
  static ByteBuffer frame(byte[] data) {
    ByteBuffer record = buffer(HEADER + data.length + Integer.BYTES);
    record.putLong(data.length);
    record.putInt(maskedCrc(record.slice(0, Long.BYTES)));
    record.put(data);
    record.putInt(maskedCrc(ByteBuffer.wrap(data)));
    return record.flip();
  }

  /**
   * Where the record ends that starts at {@code position}.
   *
   * @return -1 when there is no whole and undamaged record
   */
  static long end(FileChannel file, long position) throws IOException {
    ByteBuffer header = read(file, position, HEADER);
    long length = header.remaining() < HEADER ? -1 : header.getLong();
    if (length < 0
        || length > LONGEST
        || header.getInt() != maskedCrc(header.slice(0, Long.BYTES))) {
      return -1;
    }
    int size = (int) length;
    ByteBuffer data = read(file, position + HEADER, size + Integer.BYTES);
    return data.remaining() == size + Integer.BYTES
            && data.getInt(size) == maskedCrc(data.slice(0, size))
        ? position + HEADER + size + Integer.BYTES
        : -1;
  }

  /** As many bytes as there are, at most {@code size}. */
  private static ByteBuffer read(FileChannel file, long position, int size) throws IOException {
    ByteBuffer bytes = buffer(size);
    while (bytes.hasRemaining() && file.read(bytes, position + bytes.position()) > 0) {
      // Again, for what is left.
    }
    return bytes.flip();
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A CRC of data that holds CRCs says little, so TensorFlow rotates it and adds a constant. */
  private static int maskedCrc(ByteBuffer data) {
    CRC32C crc = new CRC32C();
    crc.update(data);
    return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
  }
}
