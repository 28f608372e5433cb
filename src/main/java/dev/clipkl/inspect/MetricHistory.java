package dev.clipkl.inspect;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.MetricLines;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code metrics.jsonl} as columns: one number per written outer iteration and metric. */
public final class MetricHistory {
  private final double[] outerIterations;
  private final Map<String, double[]> columns;

  private MetricHistory(double[] outerIterations, Map<String, double[]> columns) {
    this.outerIterations = outerIterations;
    this.columns = columns;
  }

  /**
   * Reads a file; one that isn't there is a run that has not begun. A last line without its end was
   * being written when the process was killed, and is left out.
   *
   * @throws InputException when a line is no JSON object with a number or null for each metric
   */
  public static MetricHistory read(Path file) {
    List<MetricRecord> lines = new ArrayList<>();
    if (Files.exists(file)) {
      String text = text(file);
      int number = 0;
      for (int start = 0, end; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
        number++;
        lines.add(record(file, number, text.substring(start, end)));
      }
    }
    double[] outerIterations = new double[lines.size()];
    Map<String, double[]> columns = new LinkedHashMap<>();
    for (int i = 0; i < lines.size(); i++) {
      outerIterations[i] = lines.get(i).outerIteration();
      for (Map.Entry<String, Double> value : lines.get(i).values().entrySet()) {
        columns.computeIfAbsent(value.getKey(), _ -> noNumbers(lines.size()))[i] = value.getValue();
      }
    }
    return new MetricHistory(outerIterations, columns);
  }

  private static double[] noNumbers(int length) {
    double[] numbers = new double[length];
    Arrays.fill(numbers, Double.NaN);
    return numbers;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static MetricRecord record(Path file, int number, String line) {
    try {
      return MetricLines.parse(line);
    } catch (IOException e) {
      throw new InputException(
          "%s line %d: expected an object with outer_iteration, got %s"
              .formatted(file, number, line.substring(0, Math.min(80, line.length()))),
          e);
    }
  }

  /** Number of lines. */
  public int size() {
    return outerIterations.length;
  }

  /** The outer iterations that have a line, ascending. */
  public double[] outerIterations() {
    return outerIterations.clone();
  }

  /** One metric, {@code [size]}; NaN where it has no number. */
  public double[] of(String metric) {
    double[] column = columns.get(metric);
    return column == null ? noNumbers(size()) : column.clone();
  }

  /** One metric on the first line; NaN without any. */
  public double first(String metric) {
    return size() == 0 ? Double.NaN : of(metric)[0];
  }

  /** One metric on the last line; NaN without any. */
  public double last(String metric) {
    return size() == 0 ? Double.NaN : of(metric)[size() - 1];
  }

  /**
   * Entries of the policy's table touched so far, {@code [size]}: inner steps taken times actions,
   * added up from their rate and the time since the line before.
   */
  public double[] entries() {
    double[] seconds = of(MetricNames.SECONDS);
    double[] rates = of(MetricNames.ENTRIES_PER_SECOND);
    double[] entries = new double[size()];
    for (int i = 1; i < entries.length; i++) {
      double more = rates[i] * (seconds[i] - seconds[i - 1]);
      entries[i] = entries[i - 1] + (more > 0.0 ? more : 0.0);
    }
    return entries;
  }
}
