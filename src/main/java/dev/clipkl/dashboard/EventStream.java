package dev.clipkl.dashboard;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.Outlook;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reader's stream of server-sent events: {@code run} says what the run is, {@code news} what
 * has happened since the event that the reader had last.
 */
final class EventStream {
  /** The columns of the rows of {@code news}, after the outer iteration. */
  private static final List<String> COLUMNS =
      List.of(
          MetricNames.GAP,
          MetricNames.VALUE,
          MetricNames.OPTIMUM,
          MetricNames.REWARD,
          MetricNames.KL_POLICY_TO_REFERENCE,
          MetricNames.KL_REFERENCE_TO_POLICY,
          MetricNames.ENTROPY,
          MetricNames.CLIPFRAC_BINDING,
          MetricNames.CLIPFRAC_OUTSIDE_BAND,
          MetricNames.STEP_SIZE,
          MetricNames.ENTRIES_PER_SECOND,
          MetricNames.SECONDS);

  /** A reader that has gone is found out by writing to it. */
  private static final Duration SILENCE = Duration.ofSeconds(15);

  /** A page that is drawn more often is not easier to read. */
  private static final Duration BETWEEN_NEWS = Duration.ofMillis(200);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final RunFacts facts;
  private final RunHistory history;
  private final Outlook outlook;
  private final OutputStream out;

  EventStream(RunFacts facts, RunHistory history, OutputStream out) {
    this.facts = facts;
    this.history = history;
    this.out = out;
    outlook = new Outlook(facts.tolerance(), facts.outerIterations());
  }

  /**
   * Writes until the run's end has been told.
   *
   * @param had the number of the event that the reader had last; 0 for none
   * @throws IOException when the reader has gone
   */
  void write(long had) throws IOException, InterruptedException {
    long number = had <= history.latest() ? had : 0;
    send("run", null, run(number == 0));
    while (true) {
      RunHistory.News news = history.after(number, SILENCE);
      if (news.isEmpty()) {
        write(": still here\n\n");
        continue;
      }
      number = news.latest();
      send("news", number, news(news));
      if (news.end() != null) {
        return;
      }
      Thread.sleep(BETWEEN_NEWS);
    }
  }

  /** A reader that has nothing, or too much, begins anew. */
  private ObjectNode run(boolean anew) {
    ObjectNode run = JSON.createObjectNode();
    run.put("anew", anew);
    run.put("name", facts.name());
    run.put("tolerance", facts.tolerance());
    run.put("outer_iterations", facts.outerIterations());
    ObjectNode configuration = run.putObject("configuration");
    facts.configuration().forEach(configuration::put);
    ArrayNode columns = run.putArray("columns");
    COLUMNS.forEach(columns::add);
    return run;
  }

  private ObjectNode news(RunHistory.News news) {
    ObjectNode node = JSON.createObjectNode();
    ArrayNode rows = node.putArray("rows");
    for (MetricRecord record : news.records()) {
      ArrayNode row = rows.addArray().add(record.outerIteration());
      for (String column : COLUMNS) {
        addNumber(row, record.get(column));
      }
    }
    ArrayNode notes = node.putArray("notes");
    news.notes().forEach(notes::add);
    MetricRecord current = news.current();
    if (current != null) {
      node.put("fraction", outlook.fraction(current));
      outlook.secondsLeft(current).ifPresent(left -> node.put("seconds_left", left));
    }
    if (news.end() != null) {
      node.put("end", news.end());
    }
    return node;
  }

  private static void addNumber(ArrayNode row, double value) {
    if (Double.isFinite(value)) {
      row.add(value);
    } else {
      row.addNull();
    }
  }

  /** JSON on one line, as the format of events needs it. */
  private void send(String event, @Nullable Long number, ObjectNode data) throws IOException {
    String id = number == null ? "" : "id: " + number + "\n";
    write(id + "event: " + event + "\ndata: " + json(data) + "\n\n");
  }

  private static String json(ObjectNode node) {
    try {
      return JSON.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values can be written", e);
    }
  }

  private void write(String text) throws IOException {
    out.write(text.getBytes(UTF_8));
    out.flush();
  }
}
