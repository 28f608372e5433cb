package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.mlflow.FakeMlflow;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run and the MLflow server that it is sent to. */
class TrackedByMlflowTest {
  private static final long SEED = 91;
  private static final int ITERATIONS = 120;

  @TempDir Path folder;

  private Path run;
  private final List<String> notes = new ArrayList<>();

  @BeforeEach
  void writeProblem() {
    BanditFile.write(folder.resolve("bandit.safetensors"), 3, 200, TensorType.F32, SEED);
    run = folder.resolve("a-run");
  }

  private RunConfig config(URI server) {
    return RunConfig.parse(
        """
        problem: {import: %s}
        optimizer: {step-rule: fixed, step-size: 0.01, tolerance: 0, outer-iterations: %d}
        run: {threads: 1, checkpoint-every: 0s, out: %s, mlflow: "%s"}
        """
            .formatted(folder.resolve("bandit.safetensors"), ITERATIONS, run, server),
        "test",
        "test",
        List.of());
  }

  private TrainingListener listener(int crashAfterBlocks) {
    return new TrainingListener() {
      private int blocks;

      @Override
      public void note(String line) {
        notes.add(line);
      }

      @Override
      public void afterBlock(TrainingProgress progress) {
        blocks++;
        if (blocks == crashAfterBlocks) {
          throw new IllegalStateException("crash");
        }
      }
    };
  }

  private Duration train(URI server) {
    long start = System.nanoTime();
    TrainingRun.start(config(server), listener(-1));
    return Duration.ofNanos(System.nanoTime() - start);
  }

  private void assertServerHasEveryLine(FakeMlflow server) {
    for (String name : List.of(MetricNames.GAP, MetricNames.RATE_MEASURED)) {
      Map<Integer, Double> expected = new TreeMap<>();
      for (JsonNode line : RunFiles.metrics(run)) {
        if (line.path(name).isNumber()) {
          expected.put(line.path("outer_iteration").intValue(), line.path(name).doubleValue());
        }
      }
      assertThat(server.values(name)).as(name).isEqualTo(expected);
    }
  }

  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    RunFiles.json(run.resolve("run.json"))
        .path("warnings")
        .forEach(warning -> warnings.add(warning.textValue()));
    return warnings;
  }

  @Test
  void serverGetsParametersTagsEveryLineInBatchesAndTheEnd() throws IOException {
    try (FakeMlflow server = new FakeMlflow()) {
      train(server.uri());
      assertServerHasEveryLine(server);
      assertThat(server.parameters)
          .containsEntry("optimizer.outer-iterations", Integer.toString(ITERATIONS))
          .containsEntry("objective.divergence", "reverse-kl");
      assertThat(server.tags)
          .containsEntry("mlflow.runName", "a-run")
          .containsEntry("clipkl.stop_reason", StopReason.ITERATIONS.sentence())
          .containsKey("clipkl.problem_fingerprint");
      assertThat(server.statuses).containsExactly("FINISHED");
      assertThat(server.calls.stream().filter(call -> call.equals("runs/log-batch")).count())
          .isLessThan(ITERATIONS / 4);
      assertThat(warnings()).noneMatch(warning -> warning.contains("mlflow"));
    }
  }

  @Test
  void resumedRunGoesOnInItsRunAndSendsNoIterationTwice() throws IOException {
    try (FakeMlflow server = new FakeMlflow()) {
      RunConfig config = config(server.uri());
      assertThatThrownBy(() -> TrainingRun.start(config, listener(3)))
          .hasMessageContaining("crash");
      assertThat(server.statuses).containsExactly("FAILED");
      assertThat(TrainingRun.resume(run, listener(-1))).isPresent();
      assertServerHasEveryLine(server);
      assertThat(server.statuses).containsExactly("FAILED", "RUNNING", "FINISHED");
      assertThat(server.calls).containsOnlyOnce("runs/create");
    }
  }

  @Test
  void serverInTroubleGetsEverythingAfterwards() throws Exception {
    try (FakeMlflow server = new FakeMlflow()) {
      server.failing.put("runs/log-batch", 503);
      Thread repair =
          Thread.startVirtualThread(() -> {
            while (!server.calls.contains("runs/log-batch")) {
              Thread.onSpinWait();
            }
            server.failing.clear();
          });
      train(server.uri());
      repair.join();
      assertServerHasEveryLine(server);
    }
  }

  @Test
  void refusedLinesAreCountedAndNamedOnce() throws IOException {
    try (FakeMlflow server = new FakeMlflow()) {
      server.failing.put("runs/log-batch", 400);
      train(server.uri());
      String warning =
          "run.mlflow: %s has taken 0 of %d lines of metrics and not the run's end: "
              .formatted(server.uri(), ITERATIONS + 1);
      assertThat(warnings()).filteredOn(one -> one.startsWith(warning)).hasSize(1);
      assertThat(notes).filteredOn(one -> one.startsWith("warning: " + warning)).hasSize(1);
    }
  }

  @Test
  void deadServerCostsNoTimeAndOneWarning() throws IOException {
    URI refused;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      refused = URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
    Duration took = train(refused);
    assertThat(took).isLessThan(Duration.ofSeconds(4));
    assertThat(warnings())
        .filteredOn(one -> one.startsWith("run.mlflow: "))
        .singleElement()
        .asString()
        .contains("has taken 0 of " + (ITERATIONS + 1) + " lines", "refused");
  }

  @Test
  void serverThatNeverAnswersCostsItsPatienceAtTheEndOnly() throws IOException {
    try (ServerSocket silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Duration took = train(URI.create("http://127.0.0.1:" + silent.getLocalPort()));
      assertThat(took).isLessThan(Duration.ofSeconds(9));
      assertThat(warnings())
          .filteredOn(one -> one.startsWith("run.mlflow: "))
          .singleElement()
          .asString()
          .contains("has taken 0 of " + (ITERATIONS + 1) + " lines", "it has not answered");
    }
  }
}
