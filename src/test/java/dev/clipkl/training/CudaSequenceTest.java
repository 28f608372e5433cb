package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.config.RunConfig;
import dev.clipkl.driver.FakeDriver;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sequences on the engine cuda, from configuration to policy, on kernels that run as host code. */
class CudaSequenceTest {
  private static final long SEED = 513;
  private static final int CLASSES = 5;
  private static final int TOKENS = 403;

  /** Float32's rounding in the policy, seen through values of order 1 / (1 - discount). */
  private static final double OBJECTIVE_ERROR = 1e-6;

  @TempDir static Path folder;

  private static Path problem;

  @BeforeAll
  static void writeProblem() {
    problem = folder.resolve("sequence.safetensors");
    Random random = new Random(SEED);
    List<Declaration> tensors =
        List.of(
            new Declaration("reference_logits", TensorType.F32, CLASSES, TOKENS),
            new Declaration("rewards", TensorType.F32, CLASSES, TOKENS),
            new Declaration("class_map", TensorType.I64, TOKENS));
    try (SafetensorsWriter writer = SafetensorsWriter.open(problem, Map.of(), tensors)) {
      for (int c = 0; c < CLASSES; c++) {
        writer.writeDoubles(RowFixture.normal(random, TOKENS, 0.0, 1.5), TOKENS);
      }
      for (int c = 0; c < CLASSES; c++) {
        writer.writeDoubles(RowFixture.normal(random, TOKENS, 0.5, 0.2), TOKENS);
      }
      // Four tokens with a class each, one class for the others, and two tokens that end the text.
      long[] classMap =
          LongStream.range(0, TOKENS)
              .map(token -> token >= TOKENS - 2 ? -1 : Math.min(token, CLASSES - 1))
              .toArray();
      writer.writeLongs(classMap, TOKENS);
      writer.commit();
    }
  }

  private record Noted(TrainingResult result, List<String> notes) {
    double value() {
      return result.progress().latest().get(MetricNames.VALUE);
    }
  }

  private static Noted train(String run, String... settings) {
    List<String> notes = new ArrayList<>();
    return new Noted(TrainingRun.start(config(run, settings), listener(0, notes)), notes);
  }

  private static RunConfig config(String run, String... settings) {
    List<String> all = new ArrayList<>(List.of(settings));
    all.add("problem.kind=sequence");
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
    "reverse-kl, 0.9, 0, 0.2",
    "forward-kl, 0.9, 0, 1.0",
    "reverse-kl, 1, 3, 0.2",
  })
  void convergesToTheVectorEnginesObjective(
      String divergence, String discount, int horizon, double lambda) {
    String name = "%s-%s-%d".formatted(divergence, discount, horizon);
    List<String> settings =
        List.of(
            "objective.divergence=" + divergence,
            "problem.discount=" + discount,
            "problem.horizon=" + horizon,
            "objective.lambda=" + lambda,
            "optimizer.outer-iterations=200",
            "optimizer.tolerance=1e-6");
    Noted vector = train(name + "-vector", with(settings, "run.engine=vector"));
    assertThat(vector.result().reason()).isEqualTo(StopReason.CONVERGED);
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      Noted cuda = train(name + "-cuda", with(settings, "run.engine=cuda"));
      assertThat(cuda.result().reason())
          .as("gap %s, seed %d", cuda.result().progress().latest().get(MetricNames.GAP), SEED)
          .isEqualTo(StopReason.CONVERGED);
      assertThat(cuda.value())
          .as("seed %d", SEED)
          .isCloseTo(vector.value(), within(OBJECTIVE_ERROR * Math.abs(vector.value())));
    }
  }

  private static String[] with(List<String> settings, String setting) {
    List<String> all = new ArrayList<>(settings);
    all.add(setting);
    return all.toArray(String[]::new);
  }

  @ParameterizedTest
  @CsvSource({"0.9, 0", "1, 3"})
  void runsAreTheSameBitsAgainAndAfterACrash(String discount, int horizon) {
    List<String> settings =
        List.of(
            "run.engine=cuda",
            "objective.divergence=forward-kl",
            "problem.discount=" + discount,
            "problem.horizon=" + horizon,
            "optimizer.outer-iterations=8",
            "optimizer.tolerance=0",
            "run.checkpoint-every=0s");
    String name = "undisturbed-" + horizon;
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      train(name, settings.toArray(String[]::new));
      train("again-" + horizon, with(settings, "run.threads=1"));
      assertSame("again-" + horizon, name);
      for (int blocks : new int[] {1, 5}) {
        String run = "crash-%d-%d".formatted(horizon, blocks);
        RunConfig config = config(run, settings.toArray(String[]::new));
        TrainingListener crash = listener(blocks, new ArrayList<>());
        assertThatThrownBy(() -> TrainingRun.start(config, crash)).hasMessage("crash");
        List<String> notes = new ArrayList<>();
        assertThat(TrainingRun.resume(folder.resolve(run), listener(0, notes))).isPresent();
        assertThat(notes).contains("resumed after outer iteration " + blocks);
        assertSame(run, name);
      }
    }
  }

  @Test
  void autoTakesAGpuThatHoldsASequencesTables() {
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      Noted noted = train("auto", "problem.discount=0.9", "optimizer.outer-iterations=2");
      assertThat(noted.notes().getFirst())
          .startsWith("engine: cuda: ")
          .contains("(auto: there is a GPU for it: the tables take ");
    }
  }
}
