package dev.clipkl.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricLinesTest {
  @TempDir Path folder;

  @Test
  void linesReadBackAsTheRecordsThatWereWritten() {
    Path file = folder.resolve("metrics.jsonl");
    List<MetricRecord> written = new ArrayList<>();
    for (int n = 0; n < 3; n++) {
      Map<String, Double> values = new LinkedHashMap<>();
      values.put(MetricNames.VALUE, Math.sqrt(n));
      values.put(MetricNames.GAP, n == 1 ? Double.NaN : -1e-300);
      written.add(new MetricRecord(7 * n, values));
    }
    try (JsonLinesSink sink = new JsonLinesSink(file, 0)) {
      written.forEach(sink::write);
    }
    List<MetricRecord> read = new ArrayList<>();
    MetricLines.replay(file, read::add);
    assertThat(read).isEqualTo(written);
    assertThat(MetricLines.count(file)).isEqualTo(3);
  }

  @Test
  void lineThatIsNoRecordIsNamed() throws IOException {
    Path file = Files.writeString(folder.resolve("metrics.jsonl"), "{\"objective/gap\":1.0}\n");
    assertThatThrownBy(() -> MetricLines.replay(file, metrics -> {}))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("metrics.jsonl")
        .hasMessageContaining("outer_iteration");
  }
}
