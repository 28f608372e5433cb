package dev.clipkl.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Reads event files from their specification alone: TFRecord framing with a bitwise CRC-32C, and
 * protobuf's wire format, in which an unknown field fails.
 */
public final class EventFileReader {
  private EventFileReader() {}

  /** One event; empty and zero where it has no such field. */
  public record Event(double wallTime, long step, String version, Map<String, Float> scalars) {}

  /** The only event file of a run directory. */
  public static Path file(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> found =
          files.filter(file -> file.getFileName().toString().contains("tfevents")).toList();
      assertThat(found).hasSize(1);
      return found.getFirst();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All events of a file, every byte of which must belong to one. */
  public static List<Event> read(Path file) {
    try {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      List<Event> events = new ArrayList<>();
      while (bytes.hasRemaining()) {
        events.add(event(record(bytes)));
      }
      return events;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteBuffer record(ByteBuffer bytes) {
    ByteBuffer lengthBytes = bytes.slice(bytes.position(), 8);
    long length = bytes.getLong();
    assertThat(bytes.getInt()).as("CRC of a length").isEqualTo(masked(lengthBytes));
    ByteBuffer data = take(bytes, Math.toIntExact(length));
    assertThat(bytes.getInt()).as("CRC of a record").isEqualTo(masked(data.duplicate()));
    return data;
  }

  private static ByteBuffer take(ByteBuffer bytes, int length) {
    ByteBuffer taken = bytes.slice(bytes.position(), length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + length);
    return taken;
  }

  /** CRC-32C bit by bit, Castagnoli's polynomial reversed, and TensorFlow's mask. */
  private static int masked(ByteBuffer bytes) {
    int crc = ~0;
    while (bytes.hasRemaining()) {
      crc ^= bytes.get() & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
      }
    }
    crc = ~crc;
    return ((crc >>> 15) | (crc << 17)) + 0xa282ead8;
  }

  private static Event event(ByteBuffer message) {
    double wallTime = 0.0;
    long step = 0;
    String version = "";
    Map<String, Float> scalars = Map.of();
    while (message.hasRemaining()) {
      long key = varint(message);
      switch ((int) key) {
        case 1 << 3 | 1 -> wallTime = message.getDouble();
        case 2 << 3 -> step = varint(message);
        case 3 << 3 | 2 -> version = text(message);
        case 5 << 3 | 2 -> scalars = summary(take(message, (int) varint(message)));
        default -> throw new AssertionError("unknown field of an event, key " + key);
      }
    }
    return new Event(wallTime, step, version, scalars);
  }

  private static Map<String, Float> summary(ByteBuffer message) {
    Map<String, Float> scalars = new LinkedHashMap<>();
    while (message.hasRemaining()) {
      assertThat(varint(message)).as("key of a summary's value").isEqualTo(1 << 3 | 2);
      ByteBuffer value = take(message, (int) varint(message));
      assertThat(varint(value)).as("key of a tag").isEqualTo(1 << 3 | 2);
      String tag = text(value);
      assertThat(varint(value)).as("key of a simple_value").isEqualTo(2 << 3 | 5);
      assertThat(scalars.put(tag, value.getFloat())).as("second value of %s", tag).isNull();
      assertThat(value.hasRemaining()).isFalse();
    }
    return scalars;
  }

  private static String text(ByteBuffer message) {
    return StandardCharsets.UTF_8.decode(take(message, (int) varint(message))).toString();
  }

  private static long varint(ByteBuffer message) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = message.get();
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }
}
