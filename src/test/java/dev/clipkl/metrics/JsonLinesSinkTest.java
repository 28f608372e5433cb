package dev.clipkl.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonLinesSinkTest {
  @TempDir Path folder;

  @Test
  void lineHoldsEveryDigitAndNullWhereThereIsNoNumber() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(MetricNames.VALUE, 0.1 + 0.2);
    values.put(MetricNames.GAP, Double.MIN_VALUE);
    values.put(MetricNames.RATE_MEASURED, Double.NaN);
    values.put(MetricNames.RATIO_MAX, Double.POSITIVE_INFINITY);
    try (JsonLinesSink sink = new JsonLinesSink(file, 0)) {
      sink.write(new MetricRecord(3, values));
    }
    assertThat(Files.readString(file))
        .isEqualTo(
            "{\"outer_iteration\":3,\"objective/value\":0.30000000000000004,"
                + "\"objective/gap\":4.9E-324,\"rate/measured\":null,\"policy/ratio_max\":null}\n");
  }

  @Test
  void fileIsCutBackToTheLengthThatWasForced() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    long length;
    try (JsonLinesSink sink = new JsonLinesSink(file, 0)) {
      sink.write(line(0));
      length = sink.force();
      sink.write(line(1));
    }
    assertThat(Files.size(file)).isGreaterThan(length);
    try (JsonLinesSink sink = new JsonLinesSink(file, length)) {
      sink.write(line(2));
    }
    assertThat(Files.readAllLines(file))
        .containsExactly("{\"outer_iteration\":0}", "{\"outer_iteration\":2}");
  }

  @Test
  void fileShorterThanItsCheckpointCountedIsRefusedAndKept() throws IOException {
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, "{}\n");
    assertThatThrownBy(() -> new JsonLinesSink(file, 4).close())
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("metrics.jsonl must hold at least the 4 bytes");
    assertThat(Files.readString(file)).isEqualTo("{}\n");
  }

  private static MetricRecord line(int outerIteration) {
    return new MetricRecord(outerIteration, Map.of());
  }
}
