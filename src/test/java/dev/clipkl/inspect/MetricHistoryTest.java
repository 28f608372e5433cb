package dev.clipkl.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.JsonLinesSink;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricHistoryTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void write() {
    file = folder.resolve("metrics.jsonl");
    try (JsonLinesSink sink = new JsonLinesSink(file, 0)) {
      sink.write(line(0, 0.5, 0.0, Double.NaN));
      sink.write(line(10, 0.25, 2.0, 100.0));
      sink.write(line(20, 0.125, 3.0, 50.0));
    }
  }

  private static MetricRecord line(int iteration, double gap, double seconds, double rate) {
    return new MetricRecord(
        iteration,
        Map.of(
            MetricNames.GAP,
            gap,
            MetricNames.SECONDS,
            seconds,
            MetricNames.ENTRIES_PER_SECOND,
            rate));
  }

  @Test
  void givesBackWhatTheSinkWrote() {
    MetricHistory history = MetricHistory.read(file);
    assertThat(history.size()).isEqualTo(3);
    assertThat(history.outerIterations()).containsExactly(0, 10, 20);
    assertThat(history.of(MetricNames.GAP)).containsExactly(0.5, 0.25, 0.125);
    assertThat(history.first(MetricNames.ENTRIES_PER_SECOND)).isNaN();
    assertThat(history.last(MetricNames.SECONDS)).isEqualTo(3.0);
    assertThat(history.of("no/such_metric")).containsOnly(Double.NaN);
  }

  @Test
  void entriesAreRatesTimesTheTimeBetweenLines() {
    assertThat(MetricHistory.read(file).entries()).containsExactly(0.0, 200.0, 250.0);
  }

  @Test
  void lineThatAKilledProcessLeftIsLeftOut() throws IOException {
    Files.writeString(file, "{\"outer_iteration\":30,\"objec", StandardOpenOption.APPEND);
    assertThat(MetricHistory.read(file).size()).isEqualTo(3);
  }

  @Test
  void missingFileIsARunThatHasNotBegun() {
    MetricHistory history = MetricHistory.read(folder.resolve("none.jsonl"));
    assertThat(history.size()).isZero();
    assertThat(history.last(MetricNames.GAP)).isNaN();
  }

  @Test
  void wrongLineIsNamed() throws IOException {
    Files.writeString(file, "{\"outer_iteration\":true}\n", StandardOpenOption.APPEND);
    assertThatThrownBy(() -> MetricHistory.read(file))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("metrics.jsonl line 4: expected an object with outer_iteration");
  }
}
