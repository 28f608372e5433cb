package dev.clipkl.metrics.mlflow;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.clipkl.metrics.MetricLines;
import dev.clipkl.metrics.MetricRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/** Reads the lines of a file that another thread appends to, each once it is whole. */
final class GrowingLines implements AutoCloseable {
  /** Some 80 lines: what one request may carry, and more. */
  private static final int READ_BYTES = 1 << 16;

  private final FileChannel channel;
  private long position;

  GrowingLines(Path file) throws IOException {
    channel = FileChannel.open(file, StandardOpenOption.READ);
  }

  /** The next whole lines, at most so many; empty when there are none yet. */
  List<MetricRecord> next(int most) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(READ_BYTES);
    channel.read(bytes, position);
    List<MetricRecord> records = new ArrayList<>();
    int start = 0;
    for (int end = 0; end < bytes.position() && records.size() < most; end++) {
      if (bytes.get(end) == '\n') {
        records.add(MetricLines.parse(new String(bytes.array(), start, end - start, UTF_8)));
        start = end + 1;
      }
    }
    position += start;
    return records;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
