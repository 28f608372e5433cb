package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.endtoend.SequenceFile;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SequenceTrainingTest {
  private static final long SEED = 40L;
  private static final int CLASSES = 8;
  private static final int TOKENS = 700;

  @TempDir Path folder;
  private Path problem;

  @BeforeEach
  void writeProblem() {
    problem = SequenceFile.write(folder.resolve("sequence.safetensors"), CLASSES, TOKENS, SEED);
  }

  private RunConfig config(String name, String... overrides) {
    List<String> all = new ArrayList<>(List.of(overrides));
    all.addFirst("problem.import=" + problem);
    all.addFirst("run.out=" + folder.resolve(name));
    return RunConfig.parse(
        """
        problem: {kind: sequence, discount: 0.9}
        objective: {lambda: 0.2}
        run: {engine: vector}
        """,
        "test",
        "test",
        all);
  }

  private static String policy(RunConfig config) {
    return RunFiles.sha256(config.run().out().resolve("policy.safetensors"));
  }

  @ParameterizedTest
  @CsvSource({
    "reverse-kl, vector, 0",
    "forward-kl, vector, 0",
    "reverse-kl, reference, 0",
    "reverse-kl, vector, 5",
    "forward-kl, reference, 3"
  })
  void convergesToTheCertifiedOptimum(String divergence, String engine, int horizon) {
    RunConfig config =
        config(
            "run",
            "objective.divergence=" + divergence,
            "run.engine=" + engine,
            "problem.horizon=" + horizon,
            "objective.lambda=0.5");
    TrainingResult result = TrainingRun.start(config, new TrainingListener() {});
    assertThat(result.reason()).isEqualTo(StopReason.CONVERGED);
    double previous = Double.POSITIVE_INFINITY;
    for (JsonNode line : RunFiles.metrics(config.run().out())) {
      double gap = line.get(MetricNames.GAP).doubleValue();
      double difference =
          line.get(MetricNames.OPTIMUM).doubleValue() - line.get(MetricNames.VALUE).doubleValue();
      assertThat(gap).isCloseTo(difference, within(1e-6)).isLessThanOrEqualTo(previous + 1e-6);
      previous = gap;
    }
  }

  /** The reward less what the divergences of all steps cost is the value. */
  @Test
  void rewardAndDivergenceMakeTheValue() {
    RunConfig config = config("run", "run.engine=reference", "optimizer.outer-iterations=3");
    try (LoadedRun run = LoadedRun.open(config, line -> {})) {
      SequenceRows rows = (SequenceRows) run.coupling();
      double visits = 0.0;
      for (double d : rows.visitation()) {
        visits += d;
      }
      // A text may end, so that there are fewer steps than 1 / (1 - gamma).
      assertThat(visits).isBetween(1.0, 10.0);
    }
    TrainingRun.start(config, new TrainingListener() {});
    JsonNode first = RunFiles.metrics(config.run().out()).getFirst();
    assertThat(first.get(MetricNames.DIVERGENCE).doubleValue()).isCloseTo(0.0, within(1e-12));
    assertThat(first.get(MetricNames.REWARD).doubleValue())
        .as("at the reference nothing is paid for the divergence")
        .isCloseTo(first.get(MetricNames.VALUE).doubleValue(), within(1e-9));
  }

  @Test
  void threadsDoNotShowInTheResults() {
    RunConfig one = config("one", "run.threads=1", "optimizer.outer-iterations=6");
    RunConfig three = config("three", "run.threads=3", "optimizer.outer-iterations=6");
    TrainingRun.start(one, new TrainingListener() {});
    TrainingRun.start(three, new TrainingListener() {});
    assertThat(policy(three)).isEqualTo(policy(one));
    assertThat(RunFiles.timelessMetrics(three.run().out()))
        .isEqualTo(RunFiles.timelessMetrics(one.run().out()));
  }

  @ParameterizedTest
  @CsvSource({"auto, 0", "nesterov, 0", "auto, 4"})
  void interruptedRunGoesOnWithTheSameBits(String optimizer, int horizon) {
    String[] settings = {
      "optimizer.kind=" + optimizer,
      "optimizer.outer-iterations=9",
      "optimizer.tolerance=0",
      "problem.horizon=" + horizon
    };
    RunConfig whole = config("whole", settings);
    TrainingRun.start(whole, new TrainingListener() {});
    RunConfig parts = whole.withOut(folder.resolve("parts"));
    TrainingListener stopping =
        new TrainingListener() {
          private int blocks;

          @Override
          public void afterBlock(TrainingProgress progress) {
            blocks++;
          }

          @Override
          public boolean stopRequested() {
            return blocks == 4;
          }
        };
    assertThat(TrainingRun.start(parts, stopping).reason()).isEqualTo(StopReason.INTERRUPTED);
    TrainingRun.resume(parts.run().out(), new TrainingListener() {});
    assertThat(policy(parts)).isEqualTo(policy(whole));
    assertThat(RunFiles.timelessMetrics(parts.run().out()))
        .isEqualTo(RunFiles.timelessMetrics(whole.run().out()));
  }

  @Test
  void tablesOnTheDiskGiveTheSameBits() {
    RunConfig inMemory = config("memory", "optimizer.outer-iterations=5");
    RunConfig onDisk = config("disk", "optimizer.outer-iterations=5", "run.memory=225kB");
    try (LoadedRun run = LoadedRun.open(onDisk, line -> {})) {
      assertThat(run.description()).anySatisfy(note -> assertThat(note).contains("on the disk"));
    }
    TrainingRun.start(inMemory, new TrainingListener() {});
    TrainingRun.start(onDisk, new TrainingListener() {});
    assertThat(policy(onDisk)).isEqualTo(policy(inMemory));
  }

  /** Eight classes and half the start spread evenly: no weight is rounded. */
  @Test
  void withoutDiscountARunGivesTheBitsOfABandit() {
    RunConfig sequence =
        config("sequence", "problem.discount=0", "problem.exploration=0.5", "run.threads=2");
    RunConfig bandit =
        RunConfig.parse(
            """
            problem: {import: %s}
            objective: {lambda: 0.2}
            run: {engine: vector, threads: 1, out: %s}
            """
                .formatted(problem, folder.resolve("bandit")),
            "test",
            "test",
            List.of());
    TrainingRun.start(sequence, new TrainingListener() {});
    TrainingRun.start(bandit, new TrainingListener() {});
    assertThat(RunFiles.timelessMetrics(sequence.run().out()))
        .isEqualTo(RunFiles.timelessMetrics(bandit.run().out()))
        .hasSizeGreaterThan(3);
    assertThat(logits(sequence)).isEqualTo(logits(bandit));
  }

  private static float[][] logits(RunConfig config) {
    try (Arena arena = Arena.ofConfined();
        SafetensorsFile file =
            SafetensorsFile.open(config.run().out().resolve("policy.safetensors"), arena)) {
      RowTable table = RowTable.allocate(arena, CLASSES, TOKENS);
      file.tensor("logits").readTable(table);
      float[][] rows = new float[CLASSES][TOKENS];
      for (int row = 0; row < CLASSES; row++) {
        table.readRow(row, rows[row]);
      }
      return rows;
    }
  }
}
