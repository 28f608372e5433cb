package dev.clipkl.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventFileTest {
  @TempDir Path folder;

  private int sessions;

  private MetricRecord record(int iteration) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put(MetricNames.VALUE, 0.1 + iteration);
    values.put(MetricNames.GAP, Math.pow(0.1, iteration));
    values.put(MetricNames.SECONDS, (double) sessions);
    values.put(MetricNames.RATE_MEASURED, iteration == 0 ? Double.NaN : 0.1);
    return new MetricRecord(iteration, values);
  }

  /** One session of a run: told everything from the first line on. */
  private void session(int linesOfEarlierSessions, int end) {
    sessions++;
    try (EventFile file = new EventFile(folder, linesOfEarlierSessions)) {
      for (int n = 0; n < end; n++) {
        file.write(record(n));
      }
    }
  }

  private List<EventFileReader.Event> events() {
    return EventFileReader.read(EventFileReader.file(folder));
  }

  private void assertHoldsEachOnce(int end) {
    List<EventFileReader.Event> events = events();
    assertThat(events).hasSize(end + 1);
    assertThat(events.getFirst().version()).isEqualTo("brain.Event:2");
    for (int n = 0; n < end; n++) {
      EventFileReader.Event event = events.get(n + 1);
      assertThat(event.step()).isEqualTo(n);
      assertThat(event.scalars()).containsEntry(MetricNames.VALUE, (float) (0.1 + n));
    }
  }

  @Test
  void eventHasStepTimeAndAFloatPerNumber() {
    double before = System.currentTimeMillis() * 1e-3;
    session(0, 2);
    double after = System.currentTimeMillis() * 1e-3;
    assertHoldsEachOnce(2);
    assertThat(events()).allSatisfy(event -> assertThat(event.wallTime()).isBetween(before, after));
    assertThat(events().get(1).scalars())
        .isEqualTo(
            Map.of(MetricNames.VALUE, 0.1f, MetricNames.GAP, 1.0f, MetricNames.SECONDS, 1.0f));
    assertThat(events().get(2).scalars()).containsEntry(MetricNames.RATE_MEASURED, 0.1f);
    assertThat(EventFileReader.file(folder).getFileName().toString())
        .matches("events\\.out\\.tfevents\\.\\d{10,}\\.[A-Za-z0-9._-]+");
  }

  @Test
  void resumedRunGoesOnInItsFileAtTheCheckpointsLine() throws IOException {
    session(0, 30);
    byte[] before = Files.readAllBytes(EventFileReader.file(folder));
    session(20, 40);
    assertHoldsEachOnce(40);
    assertThat(events().stream().skip(1).map(event -> event.scalars().get(MetricNames.SECONDS)))
        .containsExactlyElementsOf(
            IntStream.range(0, 40).mapToObj(n -> n < 20 ? 1.0f : 2.0f).toList());
    byte[] after = Files.readAllBytes(EventFileReader.file(folder));
    // A reader that was at the end of the 30 records finds the start of one there.
    assertThat(after.length).isGreaterThan(before.length);
    int kept = before.length * 2 / 3;
    assertThat(after).startsWith(Arrays.copyOf(before, kept));
  }

  @Test
  void sessionOverAFileThatIsCutShortWritesWhatItLacks() {
    session(0, 10);
    session(20, 25);
    assertHoldsEachOnce(25);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 30})
  void recordThatIsNotWholeIsWrittenAgain(int missingBytes) throws IOException {
    session(0, 10);
    Path file = EventFileReader.file(folder);
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - missingBytes));
    session(10, 12);
    assertHoldsEachOnce(12);
  }

  @Test
  void damagedRecordAndAllAfterItAreWrittenAgain() throws IOException {
    session(0, 10);
    Path file = EventFileReader.file(folder);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length / 2] ^= 1;
    Files.write(file, bytes);
    session(10, 12);
    assertHoldsEachOnce(12);
    Files.write(file, new byte[100]);
    session(12, 13);
    assertHoldsEachOnce(13);
  }
}
