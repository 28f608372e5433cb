package dev.clipkl.metrics;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.WireFormat;
import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
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

  private final AppendedFile file;

  /** Lines that the file holds and that this session has not been told yet. */
  private int known;

  /**
   * Opens the event file of a run directory, or creates it.
   *
   * @param lines how many records it may keep: those of {@code metrics.jsonl}
   * @throws EnvironmentException when it cannot be written
   */
  public EventFile(Path folder, int lines) {
    file =
        new AppendedFile(
            find(folder).orElseGet(() -> folder.resolve(newName())),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
    try {
      cutBack(lines);
    } catch (IOException e) {
      close();
      throw file.failure(e);
    }
  }

  private static Optional<Path> find(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> String.valueOf(entry.getFileName()).startsWith(PREFIX))
          .sorted()
          .findFirst();
    } catch (IOException e) {
      throw new EnvironmentException(
          "cannot read the folder %s: %s".formatted(folder, e.getMessage()), e);
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
    FileChannel channel = file.channel();
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
      append(
          CodedOutputStream.computeStringSize(EVENT_FILE_VERSION, VERSION),
          out -> out.writeString(EVENT_FILE_VERSION, VERSION));
    }
    known = Math.max(records - 1, 0);
  }

  @Override
  public void write(MetricRecord metrics) {
    if (known > 0) {
      known--;
      return;
    }
    Map<String, Double> values = metrics.values();
    int summarySize = 0;
    for (Map.Entry<String, Double> entry : values.entrySet()) {
      if (Double.isFinite(entry.getValue())) {
        summarySize += messageSize(SUMMARY_VALUE, scalarSize(entry.getKey()));
      }
    }
    int summary = summarySize;
    int size =
        CodedOutputStream.computeInt64Size(EVENT_STEP, metrics.outerIteration())
            + messageSize(EVENT_SUMMARY, summary);
    append(
        size,
        out -> {
          out.writeInt64(EVENT_STEP, metrics.outerIteration());
          startMessage(out, EVENT_SUMMARY, summary);
          for (Map.Entry<String, Double> entry : values.entrySet()) {
            double value = entry.getValue();
            if (Double.isFinite(value)) {
              startMessage(out, SUMMARY_VALUE, scalarSize(entry.getKey()));
              out.writeString(VALUE_TAG, entry.getKey());
              out.writeFloat(VALUE_SIMPLE_VALUE, (float) value);
            }
          }
        });
  }

  private static int scalarSize(String tag) {
    return CodedOutputStream.computeStringSize(VALUE_TAG, tag)
        + CodedOutputStream.computeFloatSize(VALUE_SIMPLE_VALUE, 0.0f);
  }

  /** Of a message within another one, with its number and length in front. */
  private static int messageSize(int field, int size) {
    return CodedOutputStream.computeTagSize(field)
        + CodedOutputStream.computeUInt32SizeNoTag(size)
        + size;
  }

  private static void startMessage(CodedOutputStream out, int field, int size) throws IOException {
    out.writeTag(field, WireFormat.WIRETYPE_LENGTH_DELIMITED);
    out.writeUInt32NoTag(size);
  }

  /** Writes a message's fields. */
  @FunctionalInterface
  private interface Fields {
    void write(CodedOutputStream out) throws IOException;
  }

  /** Appends an event of these fields, of {@code size} bytes together, and the present time. */
  private void append(int size, Fields fields) {
    byte[] event = new byte[CodedOutputStream.computeDoubleSize(EVENT_WALL_TIME, 0.0) + size];
    CodedOutputStream out = CodedOutputStream.newInstance(event);
    try {
      out.writeDouble(EVENT_WALL_TIME, System.currentTimeMillis() * 1e-3);
      fields.write(out);
      out.checkNoSpaceLeft();
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    file.append(EventRecords.frame(event));
  }

  @Override
  public void force() {
    file.force();
  }

  @Override
  public void close() {
    file.close();
  }
}
