package dev.clipkl.metrics.mlflow;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;

/** The few calls of MLflow's REST interface that a run makes, answered and recorded. */
public final class FakeMlflow implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BASE = "/api/2.0/mlflow/";

  private final HttpServer server;
  private final AtomicInteger runs = new AtomicInteger();

  /** Paths in the order of their calls. */
  public final ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();

  /** Every metric that was logged. */
  public final ConcurrentLinkedQueue<JsonNode> metrics = new ConcurrentLinkedQueue<>();

  /** Parameters by name. */
  public final Map<String, String> parameters = new ConcurrentSkipListMap<>();

  /** Tags by name. */
  public final Map<String, String> tags = new ConcurrentSkipListMap<>();

  /** Statuses in the order in which they were set. */
  public final ConcurrentLinkedQueue<String> statuses = new ConcurrentLinkedQueue<>();

  /** Authorization headers that came. */
  public final Map<String, Boolean> authorizations = new ConcurrentHashMap<>();

  /** The status that the next calls of a path fail with. */
  public final Map<String, Integer> failing = new ConcurrentHashMap<>();

  public FakeMlflow() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(BASE, this::handle);
    server.start();
  }

  public URI uri() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** Values by outer iteration of one metric; fails when an iteration came twice. */
  public Map<Integer, Double> values(String name) {
    Map<Integer, Double> values = new TreeMap<>();
    for (JsonNode metric : metrics) {
      if (metric.path("key").textValue().equals(name)
          && values.put(metric.path("step").asInt(), metric.path("value").asDouble()) != null) {
        throw new AssertionError(name + " twice at " + metric.path("step"));
      }
    }
    return values;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath().substring(BASE.length());
    String body = new String(exchange.getRequestBody().readAllBytes(), UTF_8);
    calls.add(path);
    String authorization = exchange.getRequestHeaders().getFirst("Authorization");
    authorizations.put(String.valueOf(authorization), true);
    Integer failure = failing.get(path);
    if (failure != null) {
      answer(exchange, failure, "{\"error_code\":\"SOME\",\"message\":\"as the test wants\"}");
    } else {
      answer(exchange, 200, result(path, body));
    }
  }

  private String result(String path, String body) {
    try {
      JsonNode request = body.isEmpty() ? JSON.createObjectNode() : JSON.readTree(body);
      return switch (path) {
        case "experiments/search" -> "{\"experiments\":[]}";
        case "experiments/create" -> "{\"experiment_id\":\"7\"}";
        case "runs/create" -> {
          request.path("tags").forEach(this::addTag);
          yield runInfo("run-" + runs.incrementAndGet());
        }
        case "runs/get" -> run();
        case "runs/update" -> {
          statuses.add(request.path("status").textValue());
          yield "{\"run_info\":{}}";
        }
        case "runs/log-batch" -> {
          request
              .path("params")
              .forEach(one ->
                  parameters.put(one.path("key").textValue(), one.path("value").textValue()));
          request.path("tags").forEach(this::addTag);
          request.path("metrics").forEach(metrics::add);
          if (request.path("metrics").size() > 1000) {
            throw new AssertionError("more metrics than MLflow takes at once");
          }
          yield "{}";
        }
        default -> throw new AssertionError("unexpected call " + path);
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void addTag(JsonNode tag) {
    tags.put(tag.path("key").textValue(), tag.path("value").textValue());
  }

  private static String runInfo(String id) {
    return "{\"run\":{\"info\":{\"run_id\":\"%s\",\"run_uuid\":\"%s\"}}}".formatted(id, id);
  }

  /** With the latest value of every metric, as MLflow does it. */
  private String run() throws IOException {
    Map<String, JsonNode> latest = new TreeMap<>();
    List<JsonNode> all = new ArrayList<>(metrics);
    all.forEach(metric -> latest.put(metric.path("key").textValue(), metric));
    return "{\"run\":{\"info\":{\"run_id\":\"run-1\"},\"data\":{\"metrics\":%s}}}"
        .formatted(JSON.writeValueAsString(latest.values()));
  }

  private static void answer(HttpExchange exchange, int status, String json) throws IOException {
    byte[] bytes = json.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
