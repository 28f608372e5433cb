package dev.clipkl.metrics;

import com.google.protobuf.CodedOutputStream;
import dev.clipkl.failure.EnvironmentException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A TensorBoard event file: one event per outer iteration, one float32 scalar per metric that is a
 * number.
 *
 * <p>A resumed run goes on in the same file, cut back to the lines that its checkpoint counted.
 * TensorFlow itself starts a second file with a mark that takes back the steps after it, but not
 * every reader of event files knows that mark. A TensorBoard that has read further than the cut
 * goes on where it was: the repeated iterations have the same numbers, hence records of the same
 * length.
 */
public final class EventFile implements MetricFile {
  private static final String PREFIX = "events.out.tfevents.";

  /** The version that TensorBoard knows. */
  private static final String VERSION = "brain.Event:2";

  /** Field numbers of event.proto and summary.proto. */
  private static final int EVENT_WALL_TIME = 1;

  private static final int EVENT_STEP = 2;
  private static final int EVENT_FILE_VERSION = 3;
  private static final int EVENT_SUMMARY = 5;
  private static final int SUMMARY_VALUE = 1;
  private static final int VALUE_TAG = 1;
  private static final int VALUE_SIMPLE_VALUE = 2;

  private final Path file;
  private final FileChannel channel;

  /** Lines that the file holds and that this session has not been told yet. */
  private int known;

  /**
   * Opens the event file of a run directory, or creates it.
   *
   * @param lines how many records it may keep: those of {@code metrics.jsonl}
   * @throws EnvironmentException when it cannot be written
   */
  public EventFile(Path folder, int lines) {
    try {
      file = find(folder).orElseGet(() -> folder.resolve(newName()));
      channel =
          FileChannel.open(
              file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new EnvironmentException(
          "cannot write an event file in %s: %s".formatted(folder, e.getMessage()), e);
    }
    try {
      cutBack(lines);
    } catch (IOException e) {
      close();
      throw failure(e);
    }
  }

  private static Optional<Path> find(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> String.valueOf(entry.getFileName()).startsWith(PREFIX))
          .sorted()
          .findFirst();
    }
  }

  private static String newName() {
    return PREFIX + System.currentTimeMillis() / 1000 + "." + hostName();
  }

  /** Without asking a name server, which may take seconds. */
  private static String hostName() {
    String name = System.getenv("HOSTNAME");
    try {
      Path linux = Path.of("/proc/sys/kernel/hostname");
      if (name == null && Files.isReadable(linux)) {
        name = Files.readString(linux).strip();
      }
    } catch (IOException e) {
      // The name serves people only.
    }
    return name == null || !name.matches("[A-Za-z0-9._-]{1,64}") ? "localhost" : name;
  }

  /** Keeps the version and {@code lines} records, or as many as are whole. */
  private void cutBack(int lines) throws IOException {
    long end = 0;
    int records = 0;
    while (records <= lines) {
      long next = EventRecords.end(channel, end);
      if (next < 0) {
        break;
      }
      end = next;
      records++;
    }
    channel.truncate(end);
    channel.position(end);
    if (records == 0) {
      append(event(out -> out.writeString(EVENT_FILE_VERSION, VERSION)));
    }
    known = Math.max(records - 1, 0);
  }

  @Override
  public void write(MetricRecord metrics) {
    if (known > 0) {
      known--;
      return;
    }
    try {
      append(
          event(out -> {
            out.writeInt64(EVENT_STEP, metrics.outerIteration());
            out.writeByteArray(EVENT_SUMMARY, summary(metrics.values()));
          }));
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private static byte[] event(Fields fields) {
    return message(out -> {
      out.writeDouble(EVENT_WALL_TIME, System.currentTimeMillis() * 1e-3);
      fields.write(out);
    });
  }

  private static byte[] summary(Map<String, Double> values) {
    return message(out -> {
      for (Map.Entry<String, Double> entry : values.entrySet()) {
        double value = entry.getValue();
        if (Double.isFinite(value)) {
          out.writeByteArray(SUMMARY_VALUE, scalar(entry.getKey(), (float) value));
        }
      }
    });
  }

  private static byte[] scalar(String tag, float value) {
    return message(out -> {
      out.writeString(VALUE_TAG, tag);
      out.writeFloat(VALUE_SIMPLE_VALUE, value);
    });
  }

  /** Writes a message's fields. */
  @FunctionalInterface
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  private static byte[] message(Fields fields) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    try {
      fields.write(out);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory", e);
    }
    return bytes.toByteArray();
  }

  private void append(byte[] event) throws IOException {
    ByteBuffer record = EventRecords.frame(event);
    while (record.hasRemaining()) {
      channel.write(record);
    }
  }

  @Override
  public void force() {
    try {
      channel.force(false);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private EnvironmentException failure(IOException e) {
    return new EnvironmentException("cannot write %s: %s".formatted(file, e.getMessage()), e);
  }
}
