package dev.clipkl.dashboard;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.reflect.Field;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The page of a run as a browser, a stranger and a stuck reader see it. */
@Timeout(60)
class DashboardTest {
  private static final RunFacts FACTS =
      new RunFacts("a run", Map.of("objective.lambda", "0.1"), 1e-6, 400);

  private final Dashboard dashboard = new Dashboard(0, FACTS);
  private final HttpClient browser = HttpClient.newHttpClient();

  @AfterEach
  void close() {
    dashboard.close();
    browser.close();
  }

  private static MetricRecord record(int iteration) {
    Map<String, Double> values = new LinkedHashMap<>();
    for (Field name : MetricNames.class.getFields()) {
      try {
        values.put((String) name.get(null), iteration + 0.5);
      } catch (IllegalAccessException e) {
        throw new AssertionError(e);
      }
    }
    values.put(MetricNames.ENTROPY, Double.NaN);
    values.put(MetricNames.RATE_MEASURED, 0.5);
    return new MetricRecord(iteration, values);
  }

  private URI uri(String path) {
    return URI.create(dashboard.address()).resolve(path);
  }

  private HttpResponse<String> get(URI uri) throws IOException, InterruptedException {
    return browser.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString(UTF_8));
  }

  /** An event of a stream. */
  private record Event(String name, String id, JsonNode data) {}

  /** Reads until the stream ends. */
  private List<Event> events(String lastEventId) throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri("events"));
    if (!lastEventId.isEmpty()) {
      request.header("Last-Event-ID", lastEventId);
    }
    HttpResponse<Stream<String>> response = browser.send(request.build(), BodyHandlers.ofLines());
    assertThat(response.headers().firstValue("Content-Type")).hasValue("text/event-stream");
    List<Event> events = new ArrayList<>();
    Map<String, String> fields = new LinkedHashMap<>();
    for (String line : (Iterable<String>) response.body()::iterator) {
      if (line.isEmpty()) {
        events.add(
            new Event(
                String.valueOf(fields.get("event")),
                String.valueOf(fields.get("id")),
                new ObjectMapper().readTree(fields.getOrDefault("data", "null"))));
        fields.clear();
      } else {
        fields.put(line.substring(0, line.indexOf(':')), line.substring(line.indexOf(':') + 2));
      }
    }
    return events;
  }

  private CompletableFuture<List<Event>> eventsLater() {
    return CompletableFuture.supplyAsync(() -> {
      try {
        return events("");
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    });
  }

  private static List<Integer> iterations(List<Event> events) {
    List<Integer> iterations = new ArrayList<>();
    events.forEach(
        event -> event.data().path("rows").forEach(row -> iterations.add(row.get(0).intValue())));
    return iterations;
  }

  private static List<Integer> numbersTo(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "dashboard.js", "dashboard.css", "charts.js", "charts.css"})
  void filesOfThePageAreServedForThisPageAlone(String file) throws Exception {
    HttpResponse<String> response = get(uri(file));
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isNotBlank();
    assertThat(response.headers().map())
        .containsEntry("cache-control", List.of("no-store"))
        .containsEntry("referrer-policy", List.of("no-referrer"))
        .containsEntry("x-content-type-options", List.of("nosniff"));
    assertThat(response.headers().firstValue("content-security-policy").orElseThrow())
        .contains("default-src 'none'", "script-src 'self'", "frame-ancestors 'none'")
        .doesNotContain("unsafe", "http", "*");
  }

  @Test
  void pageNamesNoOtherHost() throws Exception {
    assertThat(get(uri("")).body() + get(uri("dashboard.js")).body())
        .doesNotContain("http:", "https:", "//cdn", "innerHTML", "eval(");
  }

  @Test
  void withoutTheWholeTokenThereIsNothing() throws Exception {
    String token = uri("").getPath().replace("/", "");
    assertThat(token).hasSize(22);
    String other = (token.charAt(0) == 'A' ? 'B' : 'A') + token.substring(1);
    for (String path :
        List.of(
            "/",
            "/events",
            "/charts.js",
            "//",
            "/" + other + "/",
            "/" + token.substring(0, 21) + "/events",
            "/" + token + "A/",
            "/x/" + token + "/")) {
      HttpResponse<String> response = get(uri("/").resolve(path.startsWith("//") ? "/%2F" : path));
      assertThat(response.statusCode()).as(path).isEqualTo(404);
      assertThat(response.body()).isEmpty();
    }
    assertThat(get(uri("/" + token + "/none")).statusCode()).isEqualTo(404);
    assertThat(get(uri("/" + token)).headers().firstValue("location")).hasValue("/" + token + "/");
  }

  @Test
  void everyPageHasItsOwnToken() {
    try (Dashboard other = new Dashboard(0, FACTS)) {
      assertThat(URI.create(other.address()).getPath()).isNotEqualTo(uri("").getPath());
    }
  }

  /** The status that a request gets which names a host in its header. */
  private String status(String host) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), uri("").getPort())) {
      socket
          .getOutputStream()
          .write(
              "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                  .formatted(uri("").getPath(), host)
                  .getBytes(UTF_8));
      return new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8)).readLine();
    }
  }

  @Test
  void requestThatNamesAnotherHostIsRefused() throws IOException {
    int port = uri("").getPort();
    assertThat(status("127.0.0.1:" + port)).contains(" 200 ");
    assertThat(status("localhost:" + port)).contains(" 200 ");
    for (String host :
        List.of("rebound.example:" + port, "rebound.example", "127.0.0.1", "127.0.0.1:1", "")) {
      assertThat(status(host)).as(host).contains(" 403 ");
    }
  }

  @Test
  void nothingButReadingIsAllowed() throws Exception {
    HttpResponse<String> response =
        browser.send(
            HttpRequest.newBuilder(uri("events")).POST(HttpRequest.BodyPublishers.noBody()).build(),
            BodyHandlers.ofString());
    assertThat(response.statusCode()).isEqualTo(405);
  }

  @Test
  void portInUseIsOneLine() {
    int port = uri("").getPort();
    assertThatThrownBy(() -> new Dashboard(port, FACTS))
        .isInstanceOf(EnvironmentException.class)
        .hasMessageContaining("--dashboard: cannot listen on 127.0.0.1 port " + port)
        .message()
        .hasLineCount(1);
  }

  @Test
  void streamTellsTheRunItsHistoryWhatFollowsAndTheEnd() throws Exception {
    dashboard.note("engine: some");
    for (int n = 0; n < 3; n++) {
      dashboard.write(record(n));
    }
    CompletableFuture<List<Event>> reader = eventsLater();
    Thread.sleep(300);
    dashboard.write(record(3));
    Thread.sleep(300);
    dashboard.end("all done");
    List<Event> events = reader.get();

    JsonNode run = events.getFirst().data();
    assertThat(events.getFirst().name()).isEqualTo("run");
    assertThat(run.path("name").textValue()).isEqualTo("a run");
    assertThat(run.path("anew").booleanValue()).isTrue();
    assertThat(run.path("configuration").path("objective.lambda").textValue()).isEqualTo("0.1");
    assertThat(iterations(events)).isEqualTo(numbersTo(4));
    List<Event> news = events.subList(1, events.size());
    assertThat(news).hasSize(3).allMatch(event -> event.name().equals("news"));
    JsonNode first = news.getFirst().data();
    assertThat(first.path("notes").get(0).textValue()).isEqualTo("engine: some");
    JsonNode row = first.path("rows").get(2);
    for (int column = 0; column < run.path("columns").size(); column++) {
      if (run.path("columns").get(column).textValue().equals(MetricNames.ENTROPY)) {
        assertThat(row.get(column + 1).isNull()).isTrue();
      } else {
        assertThat(row.get(column + 1).doubleValue()).isEqualTo(2.5);
      }
    }
    assertThat(first.path("fraction").doubleValue()).isBetween(0.0, 1.0);
    assertThat(first.path("seconds_left").doubleValue()).isPositive();
    assertThat(news.getLast().data().path("end").textValue()).isEqualTo("all done");
  }

  @Test
  void readerThatConnectsAgainGetsWhatItMissed() throws Exception {
    for (int n = 0; n < 5; n++) {
      dashboard.write(record(n));
    }
    dashboard.end("over");
    List<Event> events = events("3");
    assertThat(events.getFirst().data().path("anew").booleanValue()).isFalse();
    assertThat(iterations(events)).containsExactly(3, 4);
    String last = events.getLast().id();
    assertThat(events("1").getLast().id()).isEqualTo(last).isEqualTo("6");
    // A number from another run, and something that is no number: everything.
    for (String unknown : List.of("7", "x", "-1", "99999999999999999999")) {
      List<Event> all = events(unknown);
      assertThat(all.getFirst().data().path("anew").booleanValue()).isTrue();
      assertThat(iterations(all)).isEqualTo(numbersTo(5));
    }
  }

  @Test
  void twoReadersSeeTheSame() throws Exception {
    CompletableFuture<List<Event>> one = eventsLater();
    CompletableFuture<List<Event>> other = eventsLater();
    for (int n = 0; n < 50; n++) {
      dashboard.write(record(n));
      Thread.sleep(10);
    }
    dashboard.end("over");
    assertThat(iterations(one.get())).isEqualTo(numbersTo(50));
    assertThat(iterations(other.get())).isEqualTo(numbersTo(50));
  }

  @Test
  void readersThatNeverReadHoldNothingUp() throws Exception {
    List<Socket> stuck = new ArrayList<>();
    for (int n = 0; n < 10; n++) {
      Socket socket = new Socket();
      socket.setReceiveBufferSize(1024);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), uri("").getPort()));
      socket
          .getOutputStream()
          .write(
              "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
                  .formatted(uri("events").getPath(), uri("").getPort())
                  .getBytes(UTF_8));
      stuck.add(socket);
    }
    CompletableFuture<List<Event>> reading = eventsLater();
    int records = 200_000;
    MetricRecord[] lines = new MetricRecord[records];
    Arrays.setAll(lines, n -> record(n % 1000));
    long start = System.nanoTime();
    long longest = 0;
    for (MetricRecord line : lines) {
      long before = System.nanoTime();
      dashboard.write(line);
      longest = Math.max(longest, System.nanoTime() - before);
    }
    Duration writing = Duration.ofNanos(System.nanoTime() - start);
    dashboard.end("over");
    assertThat(writing).isLessThan(Duration.ofSeconds(5));
    assertThat(Duration.ofNanos(longest)).isLessThan(Duration.ofSeconds(1));
    assertThat(reading.get().getLast().data().path("end").textValue()).isEqualTo("over");
    assertThat(iterations(events(""))).hasSizeLessThanOrEqualTo(RunHistory.MOST_RECORDS);
    long closing = System.nanoTime();
    dashboard.close();
    assertThat(Duration.ofNanos(System.nanoTime() - closing)).isLessThan(Duration.ofSeconds(4));
    for (Socket socket : stuck) {
      socket.close();
    }
  }
}
