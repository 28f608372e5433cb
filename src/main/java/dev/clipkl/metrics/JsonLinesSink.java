package dev.clipkl.metrics;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import dev.clipkl.failure.EnvironmentException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * One JSON object per outer iteration, doubles in full precision, {@code null} where a number does
 * not exist. It can be cut back to an earlier length, so that a resumed run repeats no line.
 */
public final class JsonLinesSink implements MetricSink, AutoCloseable {
  /** The key of a record's number. */
  static final String OUTER_ITERATION = "outer_iteration";

  private static final JsonFactory JSON = new JsonFactory();

  private final AppendedFile file;

  /**
   * Opens or creates the file and cuts it to {@code length} bytes.
   *
   * @throws EnvironmentException when the file cannot be opened or is shorter than {@code length}
   */
  public JsonLinesSink(Path file, long length) {
    this.file = new AppendedFile(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileChannel channel = this.file.channel();
    try {
      if (channel.size() < length) {
        channel.close();
        throw new EnvironmentException(
            "%s must hold at least the %d bytes that its checkpoint counted"
                .formatted(file, length));
      }
      channel.truncate(length);
      channel.position(length);
    } catch (IOException e) {
      throw this.file.failure(e);
    }
  }

  @Override
  public void write(MetricRecord metrics) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try (JsonGenerator json = JSON.createGenerator(line)) {
      json.writeStartObject();
      json.writeNumberField(OUTER_ITERATION, metrics.outerIteration());
      for (Map.Entry<String, Double> entry : metrics.values().entrySet()) {
        if (Double.isFinite(entry.getValue())) {
          json.writeNumberField(entry.getKey(), entry.getValue());
        } else {
          json.writeNullField(entry.getKey());
        }
      }
      json.writeEndObject();
      json.writeRaw('\n');
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    file.append(ByteBuffer.wrap(line.toByteArray()));
  }

  /** Forces all lines to the disk and returns the file's length: a checkpoint's mark. */
  public long force() {
    return file.force();
  }

  @Override
  public void close() {
    file.close();
  }
}
