package dev.clipkl.compare;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.commons.csv.CSVFormat;
import org.jspecify.annotations.Nullable;

/**
 * One row per run, as {@code results.csv} and {@code results.jsonl}. All but the last column,
 * {@code seconds}, is the same whenever and however often interrupted the runs were trained.
 */
final class ResultsTable {
  private static final CSVFormat CSV = CSVFormat.DEFAULT.builder().setRecordSeparator("\n").get();

  private final List<Map<String, @Nullable Object>> rows = new ArrayList<>();

  /** Adds a run. */
  void add(RunResult result) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("run", result.planned().id());
    row.putAll(result.planned().settings());
    row.put("problem_fingerprint", result.fingerprint());
    ComparedPolicy policy = result.policy();
    if (policy == null) {
      row.put("stop_reason", "failed: " + result.failure());
      rows.add(row);
      return;
    }
    row.put("stop_reason", policy.stopReason());
    row.put("outer_iterations", policy.outerIterations());
    row.put("entries", policy.entries());
    row.put("rate/measured_tail", policy.measuredRate());
    row.put("rate/predicted_tail", policy.predictedRate());
    policy
        .metrics()
        .forEach((name, value) -> {
          if (!isTime(name)) {
            row.put(name, value);
          }
        });
    OptimumNumbers optimum = policy.optimum();
    row.put("optimum/value", optimum.value());
    row.put("optimum/reward", optimum.reward());
    row.put("optimum/divergence", optimum.divergence());
    row.put("optimum/kl_policy_to_reference", optimum.klPolicyToReference());
    row.put("optimum/kl_reference_to_policy", optimum.klReferenceToPolicy());
    putShape(row, "shape/", policy.shape());
    putShape(row, "optimum_shape/", policy.optimalShape());
    row.put("seconds", policy.metrics().get(MetricNames.SECONDS));
    rows.add(row);
  }

  private static boolean isTime(String metric) {
    return metric.startsWith("time/") || metric.startsWith("throughput/");
  }

  private static void putShape(
      Map<String, @Nullable Object> row, String prefix, PolicyShape shape) {
    row.put(prefix + "entropy", shape.entropy());
    row.put(prefix + "effective_tokens", shape.effectiveTokens());
    row.put(prefix + "reference_mass_kept", shape.referenceMassKept());
    row.put(prefix + "tail_mass", shape.tailMass());
    row.put(prefix + "reference_tail_mass", shape.referenceTailMass());
    row.put(prefix + "min_probability", shape.minProbability());
  }

  /** Writes both files, atomically. */
  void write(Path csv, Path jsonLines) {
    AtomicFile.writeString(csv, csv());
    AtomicFile.writeString(jsonLines, jsonLines());
  }

  /** With a header line; NaN and infinity are empty cells, and so is what a failed run lacks. */
  String csv() {
    Set<String> columns = new LinkedHashSet<>();
    rows.forEach(row -> columns.addAll(row.keySet()));
    // A failed run may come first, and has no seconds.
    if (columns.remove("seconds")) {
      columns.add("seconds");
    }
    StringWriter text = new StringWriter();
    try {
      CSV.printRecord(text, columns.toArray());
      for (Map<String, @Nullable Object> row : rows) {
        CSV.printRecord(text, columns.stream().map(column -> cell(row.get(column))).toArray());
      }
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    return text.toString();
  }

  private static @Nullable Object cell(@Nullable Object value) {
    return value instanceof Double number && !Double.isFinite(number) ? null : value;
  }

  /** The same, an object per line; NaN and infinity are null. */
  String jsonLines() {
    StringBuilder text = new StringBuilder();
    for (Map<String, @Nullable Object> row : rows) {
      try {
        text.append(ComparisonFile.MAPPER.writeValueAsString(row)).append('\n');
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("a map of plain values can be written", e);
      }
    }
    return text.toString();
  }
}
