package dev.clipkl.endtoend;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.metrics.EventFileReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;

/** Holds the other forms of a run's metrics against {@code metrics.jsonl}. */
final class MetricCopies {
  private MetricCopies() {}

  /** The event file has every line once, in order, rounded to float32. */
  static void assertEventFileIsTheLines(Path run) {
    List<EventFileReader.Event> events = EventFileReader.read(EventFileReader.file(run));
    assertThat(events.getFirst().version()).isEqualTo("brain.Event:2");
    List<Map.Entry<Long, Map<String, Float>>> expected = new ArrayList<>();
    for (JsonNode line : RunFiles.metrics(run)) {
      Map<String, Float> scalars = new HashMap<>();
      line.properties().stream()
          .filter(field -> field.getKey().contains("/") && field.getValue().isNumber())
          .forEach(field -> scalars.put(field.getKey(), (float) field.getValue().doubleValue()));
      expected.add(Map.entry(line.path("outer_iteration").longValue(), scalars));
    }
    assertThat(events.stream().skip(1).map(event -> Map.entry(event.step(), event.scalars())))
        .containsExactlyElementsOf(expected);
  }

  /** The table has every line once, in order, with every digit. */
  static void assertTableIsTheLines(Path run) {
    CSVFormat format = CSVFormat.DEFAULT.builder().setHeader().setSkipHeaderRecord(true).get();
    try (CSVParser table = CSVParser.parse(run.resolve("metrics.csv"), UTF_8, format)) {
      List<Map<String, String>> expected = new ArrayList<>();
      for (JsonNode line : RunFiles.metrics(run)) {
        Map<String, String> row = new HashMap<>();
        line.properties()
            .forEach(field ->
                row.put(
                    field.getKey(), field.getValue().isNull() ? "" : field.getValue().asText()));
        expected.add(row);
      }
      assertThat(table.stream().map(row -> row.toMap())).containsExactlyElementsOf(expected);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
