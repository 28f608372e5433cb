package dev.clipkl.dashboard;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.web.ChartLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Serves the page to this machine alone: on 127.0.0.1, below an address that holds a secret, to
 * requests that name this host. So neither another user, nor a page from elsewhere, nor a name that
 * was made to point here can read it.
 */
final class DashboardServer implements AutoCloseable {
  private static final String LOOPBACK = "127.0.0.1";
  private static final int MOST_STREAMS = 64;
  private static final Duration FAREWELL = Duration.ofSeconds(1);

  private static final int OK = 200;
  private static final int REDIRECT = 302;
  private static final int FORBIDDEN = 403;
  private static final int NOT_FOUND = 404;
  private static final int WRONG_METHOD = 405;
  private static final int TOO_MANY = 503;

  private static final Map<String, String> HEADERS =
      Map.of(
          "Cache-Control", "no-store",
          "Content-Security-Policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
                  + " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
          "Cross-Origin-Opener-Policy", "same-origin",
          "Cross-Origin-Resource-Policy", "same-origin",
          "Referrer-Policy", "no-referrer",
          "X-Content-Type-Options", "nosniff");

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AccessToken token = new AccessToken();
  private final Semaphore streams = new Semaphore(MOST_STREAMS);
  private final RunFacts facts;
  private final RunHistory history;
  private final Map<String, Content> contents;

  /** A file of the page. */
  private record Content(String type, byte[] bytes) {
    static Content of(String type, String text) {
      return new Content(type + "; charset=utf-8", text.getBytes(UTF_8));
    }
  }

  /**
   * Starts to serve.
   *
   * @param port 0 for any that is free
   * @throws EnvironmentException when the port is in use or not allowed
   */
  DashboardServer(int port, RunFacts facts, RunHistory history) {
    this.facts = facts;
    this.history = history;
    contents =
        Map.of(
            "", Content.of("text/html", resource("dashboard.html")),
            "dashboard.js", Content.of("text/javascript", resource("dashboard.js")),
            "dashboard.css", Content.of("text/css", resource("dashboard.css")),
            "charts.js", Content.of("text/javascript", ChartLibrary.script()),
            "charts.css", Content.of("text/css", ChartLibrary.style()));
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.ofLiteral(LOOPBACK), port), 0);
    } catch (BindException e) {
      throw new EnvironmentException(
          "--dashboard: cannot listen on %s port %d (%s): choose another port, or none for a free one"
              .formatted(LOOPBACK, port, e.getMessage()),
          e);
    } catch (IOException e) {
      throw new EnvironmentException("--dashboard: %s".formatted(e.getMessage()), e);
    }
    server.createContext("/", this::handle);
    server.setExecutor(threads);
    server.start();
  }

  private static String resource(String name) {
    try (InputStream stream =
        Objects.requireNonNull(DashboardServer.class.getResourceAsStream(name))) {
      return new String(stream.readAllBytes(), UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where the page is, with its secret. */
  String address() {
    return "http://%s:%d/%s/".formatted(LOOPBACK, server.getAddress().getPort(), token.text());
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Headers headers = exchange.getResponseHeaders();
      HEADERS.forEach(headers::set);
      if (!namesThisHost(exchange.getRequestHeaders().getFirst("Host"))) {
        refuse(exchange, FORBIDDEN);
        return;
      }
      // "", token, file
      String[] path = exchange.getRequestURI().getPath().split("/", 3);
      if (path.length < 2 || !token.matches(path[1])) {
        refuse(exchange, NOT_FOUND);
      } else if (!exchange.getRequestMethod().equals("GET")) {
        headers.set("Allow", "GET");
        refuse(exchange, WRONG_METHOD);
      } else if (path.length == 2) {
        headers.set("Location", "/" + token.text() + "/");
        refuse(exchange, REDIRECT);
      } else if (path[2].equals("events")) {
        stream(exchange);
      } else {
        send(exchange, path[2]);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A name that an attacker made to point at this machine stands in the header as it is. */
  private boolean namesThisHost(@Nullable String host) {
    int port = server.getAddress().getPort();
    return (LOOPBACK + ":" + port).equals(host) || ("localhost:" + port).equals(host);
  }

  private static void refuse(HttpExchange exchange, int status) throws IOException {
    exchange.sendResponseHeaders(status, -1);
  }

  private void send(HttpExchange exchange, String name) throws IOException {
    Content content = contents.get(name);
    if (content == null) {
      refuse(exchange, NOT_FOUND);
      return;
    }
    exchange.getResponseHeaders().set("Content-Type", content.type());
    exchange.sendResponseHeaders(OK, content.bytes().length);
    exchange.getResponseBody().write(content.bytes());
  }

  private void stream(HttpExchange exchange) throws IOException, InterruptedException {
    if (!streams.tryAcquire()) {
      refuse(exchange, TOO_MANY);
      return;
    }
    try {
      exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
      exchange.sendResponseHeaders(OK, 0);
      // Closed before the permit goes back, since the server stops when it has all of them: a
      // response without its last chunk is an error to the reader.
      try (OutputStream body = exchange.getResponseBody()) {
        new EventStream(facts, history, body)
            .write(number(exchange.getRequestHeaders().getFirst("Last-Event-ID")));
      }
    } finally {
      streams.release();
    }
  }

  /** What a browser sends when it connects again. */
  private static long number(@Nullable String lastEventId) {
    return lastEventId != null && lastEventId.matches("\\d{1,18}")
        ? Long.parseLong(lastEventId)
        : 0;
  }

  /** Gives readers a moment for the end of the run, and stops. */
  @Override
  public void close() {
    try {
      if (streams.tryAcquire(MOST_STREAMS, FAREWELL.toMillis(), TimeUnit.MILLISECONDS)) {
        streams.release(MOST_STREAMS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    server.stop(0);
    threads.shutdownNow();
  }
}
