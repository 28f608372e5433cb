package dev.clipkl.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RunHistoryTest {
  private final RunHistory history = new RunHistory();

  private static MetricRecord record(int iteration) {
    return new MetricRecord(iteration, Map.of(MetricNames.GAP, 1.0 / (1 + iteration)));
  }

  private List<Integer> iterationsAfter(long number) throws InterruptedException {
    return history.after(number, Duration.ZERO).records().stream()
        .map(MetricRecord::outerIteration)
        .toList();
  }

  @Test
  void readerGetsWhatIsNewerThanWhatItHas() throws InterruptedException {
    history.add(record(0));
    history.note("a note");
    history.add(record(1));
    assertThat(iterationsAfter(0)).containsExactly(0, 1);
    assertThat(iterationsAfter(1)).containsExactly(1);
    assertThat(history.after(1, Duration.ZERO).notes()).containsExactly("a note");
    assertThat(history.after(2, Duration.ZERO).notes()).isEmpty();
    assertThat(history.after(3, Duration.ZERO).isEmpty()).isTrue();
    history.end("done");
    history.end("something else");
    RunHistory.News news = history.after(3, Duration.ZERO);
    assertThat(news.end()).isEqualTo("done");
    assertThat(news.latest()).isEqualTo(4);
    assertThat(history.after(4, Duration.ZERO).end()).isNull();
  }

  @Test
  void longRunIsThinnedEvenlyFromItsFirstToItsLastRecord() throws InterruptedException {
    int records = 100 * RunHistory.MOST_RECORDS + 7;
    for (int n = 0; n < records; n++) {
      history.add(record(n));
    }
    List<Integer> kept = iterationsAfter(0);
    assertThat(kept).hasSizeBetween(RunHistory.MOST_RECORDS / 2, RunHistory.MOST_RECORDS);
    assertThat(kept).startsWith(0).endsWith(records - 1).isSorted().doesNotHaveDuplicates();
  }
}
