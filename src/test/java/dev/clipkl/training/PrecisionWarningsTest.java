package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a run says of its own limits, on the terminal and in run.json. */
class PrecisionWarningsTest {
  private static final long SEED = 4L;

  @TempDir Path folder;

  private RunConfig config(int actions, String objective, String optimizer, String engine) {
    Path bandit = folder.resolve("bandit.safetensors");
    BanditFile.write(bandit, 2, actions, TensorType.F32, SEED);
    return RunConfig.parse(
        "problem: {import: %s}\nobjective: %s\noptimizer: %s\nrun: {engine: %s}\n"
            .formatted(bandit, objective, optimizer, engine),
        "test",
        "test",
        List.of("run.out=" + folder.resolve("run-" + engine)));
  }

  private List<String> warnings(int actions, String objective, String optimizer, String engine) {
    RunConfig config = config(actions, objective, optimizer, engine);
    List<String> notes = new ArrayList<>();
    TrainingRun.start(
        config,
        new TrainingListener() {
          @Override
          public void note(String line) {
            if (line.startsWith("warning: ")) {
              notes.add(line.substring("warning: ".length()));
            }
          }
        });
    List<String> stored = new ArrayList<>();
    RunFiles.json(config.run().out().resolve("run.json"))
        .get("warnings")
        .forEach(w -> stored.add(w.asText()));
    assertThat(stored).isEqualTo(notes);
    return notes;
  }

  @Test
  void hopelessGradientAscentIsNamedWithItsSteps() {
    assertThat(warnings(4000, "{lambda: 0.1}", "{kind: gradient, outer-iterations: 3}", "vector"))
        .singleElement()
        .asString()
        .matches(
            "optimizer.kind gradient would need about \\d\\.\\de\\+\\d+ steps of 1 / L to a gap of"
                + " 1\\.0e-06, and has 12: a theorem here, not a tool; use optimizer.kind"
                + " auto");
    assertThat(warnings(4000, "{lambda: 0.1}", "{kind: natural, outer-iterations: 3}", "reference"))
        .isEmpty();
  }

  @Test
  void forwardKlGoesFarBelowTheResolutionOfItsSurrogate() {
    String objective = "{divergence: forward-kl, lambda: 0.1}";
    String optimizer = "{tolerance: 1e-12, outer-iterations: 3000}";
    assertThat(warnings(20_000, objective, optimizer, "vector")).as("seed %d", SEED).isEmpty();
    assertThat(RunFiles.json(folder.resolve("run-vector/run.json")).get("stop_reason").asText())
        .isEqualTo(StopReason.CONVERGED.sentence());
  }

  @Test
  void runWithoutAnyStepIsToldWhereFloat32Ends() {
    try (LoadedRun run =
        LoadedRun.open(config(20, "{lambda: 0.1}", "{tolerance: 1e-9}", "vector"), note -> {})) {
      MetricRecord latest = new MetricRecord(7, Map.of(MetricNames.GAP, 2e-6));
      TrainingProgress progress =
          new TrainingProgress(
              7, 1.0, latest, true, new double[0][], run.coupling().block()::actor);
      assertThat(
              RunWarnings.stalled(
                  run, new TrainingResult(StopReason.STALLED, progress, latest, PhaseSeconds.NONE)))
          .get()
          .asString()
          .startsWith("float32 cannot hold a smaller gap than 2.0e-06 here")
          .contains("use run.engine reference (float64)");
      assertThat(
              RunWarnings.stalled(
                  run,
                  new TrainingResult(StopReason.ITERATIONS, progress, latest, PhaseSeconds.NONE)))
          .isEmpty();
    }
  }
}
