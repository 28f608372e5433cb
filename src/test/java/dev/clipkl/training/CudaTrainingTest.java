package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.clipkl.config.RunConfig;
import dev.clipkl.driver.FakeDriver;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs of the engine cuda from configuration to policy, on kernels that run as host code. */
class CudaTrainingTest {
  private static final long SEED = 512;

  @TempDir static Path folder;

  private static Path small;

  @BeforeAll
  static void writeProblem() {
    small =
        BanditFile.write(folder.resolve("small.safetensors"), 6, 1500, TensorType.F32, SEED).path();
  }

  private record Noted(TrainingResult result, List<String> notes) {}

  private static Noted train(Path problem, String run, String... settings) {
    List<String> notes = new ArrayList<>();
    TrainingResult result = TrainingRun.start(config(problem, run, settings), listener(0, notes));
    return new Noted(result, notes);
  }

  private static RunConfig config(Path problem, String run, String... settings) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("problem.import=" + problem);
    all.add("run.out=" + folder.resolve(run));
    return RunConfig.read(RunFiles.write(folder.resolve("run.yaml"), "{}"), all);
  }

  /** Takes notes, and fails after a number of blocks; 0 for never. */
  private static TrainingListener listener(int blocks, List<String> notes) {
    return new TrainingListener() {
      private int seen;

      @Override
      public void afterBlock(TrainingProgress progress) {
        if (++seen == blocks) {
          throw new IllegalStateException("crash");
        }
      }

      @Override
      public void note(String line) {
        notes.add(line);
      }
    };
  }

  private static void assertSame(String actual, String expected) {
    Path run = folder.resolve(actual);
    Path other = folder.resolve(expected);
    assertThat(RunFiles.sha256(run.resolve("policy.safetensors")))
        .isEqualTo(RunFiles.sha256(other.resolve("policy.safetensors")));
    assertThat(RunFiles.timelessMetrics(run)).isEqualTo(RunFiles.timelessMetrics(other));
  }

  @ParameterizedTest
  @CsvSource({
    "reverse-kl, natural, backtracking",
    "forward-kl, preconditioned, safe",
    "js, adam, safe",
    "alpha(1.5), gradient, fixed",
  })
  void reachesTheVectorEnginesObjective(String divergence, String optimizer, String rule) {
    String[] settings = {
      "objective.divergence=" + divergence,
      "optimizer.kind=" + optimizer,
      "optimizer.step-rule=" + rule,
      "optimizer.outer-iterations=100",
      "optimizer.tolerance=0",
    };
    String name = divergence + "-" + optimizer;
    double expected =
        train(small, name + "-vector", with(settings, "run.engine=vector"))
            .result()
            .progress()
            .latest()
            .get(MetricNames.VALUE);
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      Noted noted = train(small, name + "-cuda", with(settings, "run.engine=cuda"));
      assertThat(noted.result().progress().latest().get(MetricNames.VALUE))
          .as("seed %d", SEED)
          .isCloseTo(expected, withinPercentage(1e-4));
      assertThat(noted.notes().getFirst())
          .startsWith("engine: cuda: float32 with float64 sums, ")
          .contains("asked for by name: the tables take ");
    }
  }

  private static String[] with(String[] settings, String setting) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add(setting);
    return all.toArray(String[]::new);
  }

  @Test
  void runsAreTheSameBitsAgainAfterACrashAndForAnyThreads() {
    String[] settings = {
      "run.engine=cuda",
      "objective.divergence=forward-kl",
      "optimizer.kind=nesterov",
      "optimizer.outer-iterations=40",
      "optimizer.tolerance=0",
      "run.checkpoint-every=0s",
    };
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      train(small, "undisturbed", settings);
      train(small, "again", with(settings, "run.threads=1"));
      assertSame("again", "undisturbed");
      // Blocks of 16, 16 and 8 outer iterations.
      for (int blocks = 1; blocks <= 3; blocks++) {
        String run = "crash-" + blocks;
        TrainingListener crash = listener(blocks, new ArrayList<>());
        assertThatThrownBy(() -> TrainingRun.start(config(small, run, settings), crash))
            .hasMessage("crash");
        List<String> notes = new ArrayList<>();
        assertThat(TrainingRun.resume(folder.resolve(run), listener(0, notes))).isPresent();
        assertThat(notes).anySatisfy(note -> assertThat(note).startsWith("resumed after outer"));
        assertSame(run, "undisturbed");
      }
    }
  }

  /** 12 rows of 30,000 actions take 4.1 MiB: some stay on the device, the others travel. */
  @Test
  void smallDeviceGivesTheBitsOfALargeOne() {
    Path large =
        BanditFile.write(folder.resolve("large.safetensors"), 12, 30_000, TensorType.F32, SEED)
            .path();
    String[] settings = {
      "optimizer.step-rule=fixed",
      "optimizer.step-size=0.1",
      "optimizer.inner-steps=2",
      "optimizer.outer-iterations=3",
    };
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      train(large, "resident", with(settings, "run.engine=cuda"));
      driver.memory((4L << 20) + 4096);
      Noted noted = train(large, "streamed", with(settings, "run.engine=cuda"));
      assertThat(noted.notes().getFirst())
          .containsPattern("the tables take 4\\.1 MiB, more than 3\\.\\d MiB .*rows are streamed");
      assertSame("streamed", "resident");
      // What does not fit is the CPU's by auto.
      Noted auto = train(large, "auto-vector", settings);
      assertThat(auto.notes().getFirst())
          .startsWith("engine: vector: ")
          .contains("(auto: the tables take 4.1 MiB, more than ");
    }
  }

  @Test
  void autoTakesAGpuThatHoldsTheTablesAndTellsWhy() {
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      Noted noted = train(small, "auto-cuda", "optimizer.outer-iterations=2");
      assertThat(noted.notes().getFirst())
          .startsWith("engine: cuda: ")
          .contains("(auto: there is a GPU for it: the tables take 105.8 KiB, within ");
      assertThat(RunFiles.json(folder.resolve("auto-cuda/run.json")).get("engine").textValue())
          .startsWith("cuda: float32 with float64 sums, ");
    }
  }

  @Test
  void autoWithoutAGpuSaysOnceWhyAndGoesOn() {
    Noted noted = train(small, "auto", "optimizer.outer-iterations=2");
    assertThat(noted.notes().stream().filter(note -> note.contains("cuda")))
        .singleElement()
        .asString()
        .startsWith("engine: vector: ")
        .contains("(auto: cuda cannot run here: no NVIDIA driver (")
        .endsWith("not found))");
    assertThat(RunFiles.json(folder.resolve("auto/run.json")).get("engine_reason").textValue())
        .startsWith("auto: cuda cannot run here: no NVIDIA driver (");
  }
}
