package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.exact.TailRate;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.MetricLines;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.training.StopReason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a finished run's lines of metrics tell. They are the same however often the run was killed
 * on the way, which {@code run.json} is not.
 *
 * @param metrics the last line, by name
 * @param gaps after each outer iteration, from the policy before any step
 * @param steps inner steps taken, all rows together
 */
@SuppressWarnings("ArrayRecordComponent") // Read by one owner, never compared.
record FinishedRun(Map<String, Double> metrics, double[] gaps, double steps) {

  /**
   * Reads a run's metrics, one line for every outer iteration.
   *
   * @throws InputException when the file is missing or not what a run writes
   */
  static FinishedRun read(Path directory) {
    Path file = directory.resolve("metrics.jsonl");
    Map<String, Double> latest = Map.of();
    List<Double> gaps = new ArrayList<>();
    double steps = 0.0;
    try {
      for (String line : Files.readAllLines(file)) {
        latest = MetricLines.parse(line).values();
        gaps.add(number(latest, MetricNames.GAP, file));
        steps += number(latest, MetricNames.STEPS_TAKEN, file);
      }
    } catch (IOException e) {
      throw new InputException(
          "%s: expected a run's metrics, got %s".formatted(file, e.getMessage()), e);
    }
    return new FinishedRun(latest, gaps.stream().mapToDouble(gap -> gap).toArray(), steps);
  }

  private static double number(Map<String, Double> metrics, String name, Path file) {
    Double value = metrics.get(name);
    if (value == null) {
      throw new InputException("%s: expected %s in every line, got none".formatted(file, name));
    }
    return value;
  }

  /** Outer iterations done. */
  int outerIterations() {
    return gaps.length - 1;
  }

  /** The gap's factor per outer iteration at the end; NaN where it has not settled. */
  double measuredRate() {
    return TailRate.fit(gaps)
        .filter(tail -> tail.trend() == TailRate.Trend.STEADY)
        .map(TailRate::ratio)
        .orElse(Double.NaN);
  }

  /** Why the run ended, from the limits it had. */
  StopReason stopReason(RunConfig.Optimizer limits) {
    if (gaps[gaps.length - 1] <= limits.tolerance()) {
      return StopReason.CONVERGED;
    }
    if (outerIterations() > 0 && metrics.getOrDefault(MetricNames.STEPS_TAKEN, Double.NaN) == 0.0) {
      return StopReason.STALLED;
    }
    return outerIterations() >= limits.outerIterations() ? StopReason.ITERATIONS : StopReason.TIME;
  }
}
