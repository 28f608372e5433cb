package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.metrics.MetricNames;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A run from configuration to run directory, with what it left behind.
 *
 * @param gaps {@code objective/gap} by outer iteration
 * @param warnings of {@code run.json}; the notes on the way were the same
 */
record TrainedRun(StopReason reason, double[] gaps, List<String> warnings) {
  private static final String NOTE = "warning: ";

  /** A fall of the value that is more than float64's rounding. */
  private static final double ROUNDING = 1e-13;

  /** Runs a configuration in a new folder below another. */
  static TrainedRun of(Path folder, String yaml) {
    Path out = folder.resolve("run-" + folder.toFile().list().length);
    RunConfig config = RunConfig.parse(yaml, "test", "test", List.of("run.out=" + out));
    List<String> notes = new ArrayList<>();
    TrainingResult result =
        TrainingRun.start(
            config,
            new TrainingListener() {
              @Override
              public void note(String line) {
                if (line.startsWith(NOTE)) {
                  notes.add(line.substring(NOTE.length()));
                }
              }
            });
    List<String> warnings = new ArrayList<>();
    RunFiles.json(out.resolve("run.json"))
        .get("warnings")
        .forEach(warning -> warnings.add(warning.textValue()));
    assertThat(warnings).as("run.json and notes").isEqualTo(notes);
    double[] gaps =
        RunFiles.metrics(out).stream()
            .map(line -> line.get(MetricNames.GAP))
            .mapToDouble(JsonNode::doubleValue)
            .toArray();
    return new TrainedRun(result.reason(), gaps, warnings);
  }

  int outerIterations() {
    return gaps.length - 1;
  }

  double finalGap() {
    return gaps[gaps.length - 1];
  }

  /** Outer iterations in which the value fell. */
  int falls() {
    int falls = 0;
    for (int n = 1; n < gaps.length; n++) {
      if (gaps[n] > gaps[n - 1] + ROUNDING) {
        falls++;
      }
    }
    return falls;
  }

  /** The least gap in the second half. */
  double leastLaterGap() {
    return Arrays.stream(gaps, gaps.length / 2, gaps.length).min().orElseThrow();
  }

  /** The largest gap in the second half. */
  double largestLaterGap() {
    return Arrays.stream(gaps, gaps.length / 2, gaps.length).max().orElseThrow();
  }
}
