package dev.clipkl.metrics;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.clipkl.failure.EnvironmentException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;

/** Reads what {@link JsonLinesSink} wrote. */
public final class MetricLines {
  private static final JsonFactory JSON = new JsonFactory();

  private MetricLines() {}

  /**
   * How many lines a file has.
   *
   * @throws EnvironmentException when it cannot be read
   */
  public static int count(Path file) {
    try (Stream<String> lines = Files.lines(file)) {
      return Math.toIntExact(lines.count());
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * Tells a sink every line of a file, in order.
   *
   * @throws EnvironmentException when it cannot be read or has a line that is no record
   */
  public static void replay(Path file, MetricSink sink) {
    try (BufferedReader reader = Files.newBufferedReader(file)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        sink.write(parse(line));
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  /**
   * One line; NaN where it has {@code null}.
   *
   * @throws IOException when it is no record
   */
  public static MetricRecord parse(String line) throws IOException {
    Map<String, Double> values = new LinkedHashMap<>();
    int outerIteration = -1;
    try (JsonParser json = JSON.createParser(line)) {
      json.nextToken();
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String name = json.currentName();
        boolean none = json.nextToken() == JsonToken.VALUE_NULL;
        if (name.equals(JsonLinesSink.OUTER_ITERATION)) {
          outerIteration = json.getIntValue();
        } else {
          values.put(name, none ? Double.NaN : json.getDoubleValue());
        }
      }
    }
    if (outerIteration < 0) {
      throw new IOException("expected a line with %s".formatted(JsonLinesSink.OUTER_ITERATION));
    }
    return new MetricRecord(outerIteration, values);
  }

  private static EnvironmentException unreadable(Path file, IOException e) {
    return new EnvironmentException("cannot read %s: %s".formatted(file, e.getMessage()), e);
  }
}
