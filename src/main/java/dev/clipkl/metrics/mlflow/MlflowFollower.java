package dev.clipkl.metrics.mlflow;

import dev.clipkl.metrics.MetricLines;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.mlflow.api.proto.Service.RunStatus;
import org.mlflow.tracking.MlflowClientException;
import org.mlflow.tracking.MlflowHttpException;

/**
 * Sends a run to an MLflow server from a daemon thread that follows {@code metrics.jsonl}.
 *
 * <p>The file is the queue: training does nothing for the server, a server that is away for a while
 * gets everything afterwards, and whatever it does, memory holds one request at most. A request
 * that finds no server, or one in trouble, is made again after a second; one that the server
 * refuses is dropped. What the server has not taken when the run ends is counted in one warning.
 */
public final class MlflowFollower implements AutoCloseable {
  /** MLflow's limit for one request. */
  private static final int MOST_METRICS = 1000;

  private static final long PAUSE_SECONDS = 1;

  /** How long a run waits for a call to be answered, once it has ended. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private static final int LONGEST_REASON = 200;

  private final URI uri;
  private final TrackedRun run;
  private final Map<String, String> environment;
  private final Thread thread = new Thread(this::follow, "mlflow");
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger taken = new AtomicInteger();
  private volatile RunStatus status = RunStatus.FAILED;
  private volatile Map<String, String> lastTags = Map.of();
  private volatile long callStarted;
  private volatile boolean calling;
  private volatile boolean told;
  private volatile String failure = "it has not answered";

  private MlflowFollower(URI uri, TrackedRun run, Map<String, String> environment) {
    this.uri = uri;
    this.run = run;
    this.environment = environment;
  }

  /**
   * Starts to follow a run; never waits for the server.
   *
   * @param uri of the server
   * @param environment of the process
   */
  public static MlflowFollower start(URI uri, TrackedRun run, Map<String, String> environment) {
    MlflowFollower follower = new MlflowFollower(uri, run, environment);
    follower.thread.setDaemon(true);
    follower.thread.start();
    return follower;
  }

  /** A call to the server. */
  @FunctionalInterface
  private interface Call<T> {
    T make() throws IOException;
  }

  private void follow() {
    try (TrackingServer server = new TrackingServer(uri, environment);
        GrowingLines lines = new GrowingLines(run.lines())) {
      Started started = call(() -> open(server));
      if (started != null) {
        sendAll(server, started, lines);
        told = call(() -> end(server, started.id())) != null;
      }
    } catch (IOException | RuntimeException e) {
      failure = reason(e);
    }
  }

  /** MLflow's name of the run, and the latest outer iteration that it has. */
  private record Started(String id, long latest) {}

  private Started open(TrackingServer server) throws IOException {
    if (Files.exists(run.idFile())) {
      String id = Files.readString(run.idFile()).strip();
      TrackingServer.Resumed resumed = server.resume(id);
      if (resumed.known()) {
        return new Started(id, resumed.latest());
      }
    }
    String id = server.create(run);
    AtomicFile.writeString(run.idFile(), id + "\n");
    return new Started(id, -1);
  }

  private void sendAll(TrackingServer server, Started started, GrowingLines lines)
      throws IOException {
    int most = 1;
    while (true) {
      // Looked at first: lines that come in between are read below.
      boolean last = hasEnded();
      List<MetricRecord> records = lines.next(most);
      if (records.isEmpty()) {
        if (last) {
          return;
        }
        pause();
        continue;
      }
      most = Math.max(1, MOST_METRICS / records.getFirst().values().size());
      List<MetricRecord> missing =
          records.stream().filter(one -> one.outerIteration() > started.latest()).toList();
      long now = System.currentTimeMillis();
      if (missing.isEmpty() || call(() -> log(server, started.id(), missing, now)) != null) {
        taken.addAndGet(records.size());
      } else if (last) {
        return;
      }
    }
  }

  private static Boolean log(
      TrackingServer server, String id, List<MetricRecord> records, long timestamp) {
    server.log(id, records, timestamp);
    return true;
  }

  private Boolean end(TrackingServer server, String id) {
    server.end(id, status, lastTags);
    return true;
  }

  /**
   * Makes a call until it succeeds; null when the server refuses it, or has failed after the end.
   */
  private <T> @Nullable T call(Call<T> call) throws IOException {
    while (true) {
      boolean last = hasEnded();
      callStarted = System.nanoTime();
      calling = true;
      try {
        return call.make();
      } catch (MlflowClientException e) {
        failure = reason(e);
        if (last || isRefusal(e)) {
          return null;
        }
      } finally {
        calling = false;
      }
      pause();
    }
  }

  private static boolean isRefusal(MlflowClientException e) {
    return e instanceof MlflowHttpException http
        && http.getStatusCode() / 100 == 4
        && http.getStatusCode() != 408
        && http.getStatusCode() != 429;
  }

  private static String reason(Exception e) {
    Throwable shown = e.getCause() instanceof IOException cause ? cause : e;
    String text = String.valueOf(shown.getMessage()).strip().replaceAll("\\s+", " ");
    return text.length() <= LONGEST_REASON ? text : text.substring(0, LONGEST_REASON) + "...";
  }

  private boolean hasEnded() {
    return ended.getCount() == 0;
  }

  /** Until there may be news; the run's end is no reason to wait. */
  private void pause() {
    try {
      ended.await(PAUSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      ended.countDown();
    }
  }

  /**
   * Tells the server how the run has ended, and waits a few seconds for what is under way.
   *
   * @param interrupted whether it can be resumed
   * @param tags facts about the end
   * @return a warning when the server has not taken all
   */
  public Optional<String> finish(boolean interrupted, Map<String, String> tags) {
    lastTags = tags;
    return finish(interrupted ? RunStatus.KILLED : RunStatus.FINISHED);
  }

  private Optional<String> finish(RunStatus how) {
    status = how;
    ended.countDown();
    long patience = PATIENCE.toNanos() - (calling ? System.nanoTime() - callStarted : 0);
    try {
      thread.join(Duration.ofNanos(Math.max(patience, 1)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    int lines = MetricLines.count(run.lines());
    int sent = taken.get();
    return told && sent == lines
        ? Optional.empty()
        : Optional.of(
            String.format(
                Locale.ROOT,
                "run.mlflow: %s has taken %d of %d lines of metrics%s: %s; all are in metrics.jsonl",
                uri,
                sent,
                lines,
                told ? "" : " and not the run's end",
                failure));
  }

  /** Ends what {@link #finish} has not ended: a run that failed. */
  @Override
  public void close() {
    if (!hasEnded()) {
      finish(RunStatus.FAILED);
    }
  }
}
