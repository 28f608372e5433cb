package dev.clipkl.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** {@code run.json}: what ran where, and how it ended. */
final class RunDescription {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final String STATUS = "status";
  private static final String FINISHED = "finished";

  private final Path file;
  private final ObjectNode root = JSON.createObjectNode();

  RunDescription(Path file, LoadedRun run, int done) {
    this.file = file;
    root.put("clipkl", version());
    root.put(
        "java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    root.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    root.put("engine", run.engine().description());
    root.put("engine_reason", run.engineReason());
    root.put("optimizer", run.program().optimizer().configName());
    root.put("problem_fingerprint", run.problem().fingerprint());
    root.set("problem", strings(run.description()));
    root.put("states", run.problem().states());
    root.put("actions", run.problem().actions());
    root.put("resumed_at_outer_iteration", done);
    root.put("session_started", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    root.put(STATUS, "running");
  }

  /** Of clipkl. */
  static String version() {
    String version = RunDescription.class.getPackage().getImplementationVersion();
    return version == null ? "development" : version;
  }

  /** Corrects what a process left that was killed between the policy and this file's last words. */
  static void markFinished(Path file) {
    try {
      if (Files.exists(file)
          && JSON.readTree(file.toFile()) instanceof ObjectNode root
          && !FINISHED.equals(root.path(STATUS).textValue())) {
        root.put(STATUS, FINISHED);
        root.put("stop_reason", "the process was killed after it had written the policy");
        write(file, root);
      }
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static ArrayNode strings(List<String> lines) {
    ArrayNode array = JSON.createArrayNode();
    lines.forEach(array::add);
    return array;
  }

  /** Writes the state of affairs. */
  void write() {
    write(file, root);
  }

  private static void write(Path file, ObjectNode root) {
    try {
      AtomicFile.writeString(
          file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values can be written", e);
    }
  }

  /** Adds how the session ended and writes. */
  void finish(TrainingResult result, List<String> warnings) {
    root.put(STATUS, result.reason() == StopReason.INTERRUPTED ? "interrupted" : FINISHED);
    root.put("stop_reason", result.reason().sentence());
    root.put("outer_iterations", result.progress().outerIteration());
    root.put("training_seconds", result.progress().seconds());
    ObjectNode phases = root.putObject("phase_seconds");
    result.spent().byKey().forEach(phases::put);
    root.set("warnings", strings(warnings));
    ObjectNode metrics = root.putObject("metrics");
    MetricRecord latest = result.progress().latest();
    latest
        .values()
        .forEach((name, value) -> {
          if (Double.isFinite(value)) {
            metrics.put(name, value);
          } else {
            metrics.putNull(name);
          }
        });
    write();
  }
}
