package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.DoubleNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs that fail after any of their blocks, and are continued. */
class ResumedRunTest {
  private static final long SEED = 77;

  @TempDir Path folder;

  /** Fails after a number of blocks. */
  private static final class Crash implements TrainingListener {
    private final int blocks;
    private int seen;

    Crash(int blocks) {
      this.blocks = blocks;
    }

    @Override
    public void afterBlock(TrainingProgress progress) {
      seen++;
      if (seen == blocks) {
        throw new IllegalStateException("crash");
      }
    }
  }

  /** Fails after two blocks, of which the first is followed by a pause. */
  private static final class SlowCrash implements TrainingListener {
    private static final double PAUSE_SECONDS = 0.3;

    private boolean paused;

    @Override
    public void afterBlock(TrainingProgress progress) {
      if (paused) {
        throw new IllegalStateException("crash");
      }
      paused = true;
      long end = System.nanoTime() + Math.round(1e9 * PAUSE_SECONDS);
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    }
  }

  /** Counts blocks, and asks for a stop before the first if told so. */
  private static final class Follower implements TrainingListener {
    private final boolean stop;
    private int blocks;

    Follower(boolean stop) {
      this.stop = stop;
    }

    @Override
    public void afterBlock(TrainingProgress progress) {
      blocks++;
    }

    @Override
    public boolean stopRequested() {
      return stop;
    }
  }

  // Runs that converge, and runs that use up their iterations, which are no multiple of a block's.
  @ParameterizedTest
  @CsvSource({
    "reverse-kl, natural, safe, 1e-11, 200, CONVERGED",
    "reverse-kl, natural, backtracking, 0, 75, ITERATIONS",
    "forward-kl, preconditioned, backtracking, 1e-7, 300, CONVERGED",
    "forward-kl, nesterov, backtracking, 0, 75, ITERATIONS",
    "forward-kl, adam, backtracking, 0, 75, ITERATIONS",
    "js, gradient, fixed, 0, 75, ITERATIONS",
  })
  void crashAfterAnyBlockChangesNoBit(
      String divergence,
      String optimizer,
      String stepRule,
      String tolerance,
      int iterations,
      StopReason reason)
      throws IOException {
    List<String> settings =
        List.of(
            "objective.divergence=" + divergence,
            "optimizer.kind=" + optimizer,
            "optimizer.step-rule=" + stepRule,
            "optimizer.tolerance=" + tolerance,
            "optimizer.outer-iterations=" + iterations,
            "run.checkpoint-every=0s");
    Path undisturbed = folder.resolve("undisturbed");
    Follower follower = new Follower(false);
    TrainingResult expected = TrainingRun.start(config(undisturbed, settings), follower);
    assertThat(expected.reason()).isEqualTo(reason);
    assertThat(follower.blocks).isGreaterThan(1);

    // After the last block a resumed run must find that there is nothing left to do.
    for (int blocks : new int[] {1, follower.blocks - 1, follower.blocks}) {
      Path run = Files.createTempDirectory(folder, "crash-" + blocks);
      Crash crash = new Crash(blocks);
      assertThatThrownBy(() -> TrainingRun.start(config(run, settings), crash)).hasMessage("crash");
      TrainingResult resumed = TrainingRun.resume(run, new Follower(false)).orElseThrow();
      assertThat(resumed.reason()).as("crash after block %d", blocks).isEqualTo(reason);
      assertSame(run, undisturbed);
    }
  }

  @Test
  void crashBeforeTheFirstCheckpointIsResumedFromTheBeginningWithoutRepeatingALine() {
    List<String> settings = List.of("run.checkpoint-every=1h");
    Path undisturbed = folder.resolve("undisturbed");
    TrainingRun.start(config(undisturbed, settings), new Follower(false));
    Path run = folder.resolve("crashed");
    assertThatThrownBy(() -> TrainingRun.start(config(run, settings), new Crash(1)))
        .hasMessage("crash");
    assertThat(RunFiles.metrics(run)).hasSizeGreaterThan(1);
    assertThat(run.resolve("checkpoint")).doesNotExist();
    assertThat(TrainingRun.resume(run, new Follower(false))).isPresent();
    assertSame(run, undisturbed);
  }

  @Test
  void stopBeforeTheFirstBlockIsResumedWithoutRepeatingALine() {
    List<String> settings = List.of("run.threads=1");
    Path undisturbed = folder.resolve("undisturbed");
    TrainingRun.start(config(undisturbed, settings), new Follower(false));
    Path run = folder.resolve("stopped");
    TrainingResult stopped = TrainingRun.start(config(run, settings), new Follower(true));
    assertThat(stopped.reason()).isEqualTo(StopReason.INTERRUPTED);
    assertThat(stopped.progress().outerIteration()).isZero();
    assertThat(TrainingRun.resume(run, new Follower(false))).isPresent();
    assertSame(run, undisturbed);
  }

  @Test
  void timeOfEarlierSessionsCounts() {
    List<String> settings =
        List.of(
            "optimizer.tolerance=0", "optimizer.outer-iterations=75", "run.checkpoint-every=0s");
    Path run = folder.resolve("crashed");
    assertThatThrownBy(() -> TrainingRun.start(config(run, settings), new SlowCrash()))
        .hasMessage("crash");
    double loading;
    double rowPrograms;
    try (SafetensorsFile checkpoint =
        SafetensorsFile.open(run.resolve("checkpoint").resolve("state.safetensors"))) {
      loading = Double.parseDouble(checkpoint.metadata().get("seconds.loading"));
      rowPrograms = Double.parseDouble(checkpoint.metadata().get("seconds.row_programs"));
    }
    PhaseSeconds spent = TrainingRun.resume(run, new Follower(false)).orElseThrow().spent();
    assertThat(spent.get(Phase.OTHER)).isGreaterThan(SlowCrash.PAUSE_SECONDS);
    assertThat(spent.get(Phase.LOADING)).isGreaterThan(loading);
    assertThat(spent.get(Phase.ROW_PROGRAMS)).isGreaterThan(rowPrograms);
    assertThat(RunFiles.json(run.resolve("run.json")).path("phase_seconds").path("total"))
        .isEqualTo(DoubleNode.valueOf(spent.total()));
  }

  @Test
  void resumingAnEndedRunChangesNothing() {
    Path run = folder.resolve("ended");
    TrainingRun.start(config(run, List.of()), new Follower(false));
    var before = RunFiles.content(run);
    Optional<TrainingResult> resumed = TrainingRun.resume(run, new Follower(false));
    assertThat(resumed).isEmpty();
    assertThat(RunFiles.content(run)).isEqualTo(before);
  }

  @Test
  void runKilledRightAfterItsPolicyIsTidiedUp() {
    Path run = folder.resolve("ended");
    TrainingRun.start(config(run, List.of()), new Follower(false));
    Path checkpoint = run.resolve("checkpoint");
    assertThat(checkpoint.toFile().mkdir()).isTrue();
    RunFiles.write(checkpoint.resolve("state.safetensors"), "old");
    RunFiles.write(checkpoint.resolve(".state.safetensors.0123456789abcdef.tmp"), "half");
    Path description = run.resolve("run.json");
    RunFiles.write(description, "{\"status\": \"running\", \"states\": 4}");
    String policy = RunFiles.sha256(run.resolve("policy.safetensors"));

    assertThat(TrainingRun.resume(run, new Follower(false))).isEmpty();
    assertThat(checkpoint).doesNotExist();
    assertThat(RunFiles.json(description).path("status").textValue()).isEqualTo("finished");
    assertThat(RunFiles.json(description).path("states").intValue()).isEqualTo(4);
    assertThat(RunFiles.sha256(run.resolve("policy.safetensors"))).isEqualTo(policy);
  }

  @Test
  void checkpointOfOtherTablesIsRefused() {
    Path run = folder.resolve("changed");
    RunConfig config = config(run, List.of("run.checkpoint-every=0s"));
    assertThatThrownBy(() -> TrainingRun.start(config, new Crash(1))).hasMessage("crash");
    BanditFile.write(config.problem().importFile().orElseThrow(), 4, 600, TensorType.F32, SEED + 1);
    var before = RunFiles.content(run);
    assertThatThrownBy(() -> TrainingRun.resume(run, new Follower(false)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("made by a different run")
        .hasMessageContaining("fingerprint");
    assertThat(RunFiles.content(run)).isEqualTo(before);
  }

  private static void assertSame(Path run, Path undisturbed) {
    assertThat(RunFiles.sha256(run.resolve("policy.safetensors")))
        .as("policy of %s, seed %d", run, SEED)
        .isEqualTo(RunFiles.sha256(undisturbed.resolve("policy.safetensors")));
    assertThat(RunFiles.timelessMetrics(run)).isEqualTo(RunFiles.timelessMetrics(undisturbed));
  }

  private RunConfig config(Path run, List<String> settings) {
    Path bandit = folder.resolve("bandit.safetensors");
    if (!bandit.toFile().exists()) {
      BanditFile.write(bandit, 4, 600, TensorType.F32, SEED);
    }
    return RunConfig.parse("problem: {import: %s}".formatted(bandit), "test", "test", settings)
        .withOut(run);
  }
}
