package dev.clipkl.training;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.table.AtomicFile;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/** {@code run.json}: what ran where, and how it ended. */
final class RunDescription {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path file;
  private final ObjectNode root = JSON.createObjectNode();

  RunDescription(
      Path file, EngineSelection engine, ProblemTables tables, RowProgram program, int done) {
    this.file = file;
    String version = RunDescription.class.getPackage().getImplementationVersion();
    root.put("clipkl", version == null ? "development" : version);
    root.put(
        "java", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    root.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    root.put("engine", engine.engine().description());
    root.put("engine_reason", engine.reason());
    root.put("optimizer", program.optimizer().configName());
    root.put("problem_fingerprint", tables.problem().fingerprint());
    root.set("problem", strings(tables.description()));
    root.put("states", tables.problem().states());
    root.put("actions", tables.problem().actions());
    root.put("resumed_at_outer_iteration", done);
    root.put("session_started", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
    root.put("status", "running");
  }

  private static ArrayNode strings(List<String> lines) {
    ArrayNode array = JSON.createArrayNode();
    lines.forEach(array::add);
    return array;
  }

  /** Writes the state of affairs. */
  void write() {
    try {
      AtomicFile.writeString(
          file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of plain values can be written", e);
    }
  }

  /** Adds how the session ended and writes. */
  void finish(TrainingResult result) {
    root.put("status", result.reason() == StopReason.INTERRUPTED ? "interrupted" : "finished");
    root.put("stop_reason", result.reason().sentence());
    root.put("outer_iterations", result.progress().outerIteration());
    root.put("training_seconds", result.progress().seconds());
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
