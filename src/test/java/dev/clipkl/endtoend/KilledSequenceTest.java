package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.cli.CommandLineProbe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A sequence run that is killed, and continued, ends with the bits of one that is not. */
class KilledSequenceTest {
  private static final long SEED = 50L;
  private static final int KILLS = 4;

  @TempDir Path folder;

  @Test
  void killsChangeNoBitOfPolicyAndMetrics() throws Exception {
    Path problem = SequenceFile.write(folder.resolve("sequence.safetensors"), 8, 20_000, SEED);
    Path config =
        RunFiles.write(
            folder.resolve("run.yaml"),
            """
            problem: {kind: sequence, import: %s, discount: 0.9}
            optimizer: {step-rule: fixed, step-size: 0.01, tolerance: 0, outer-iterations: 250}
            run: {engine: vector, threads: 1, checkpoint-every: 0s}
            """
                .formatted(problem));
    Path undisturbed = folder.resolve("undisturbed");
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run("train", config.toString(), "--out", undisturbed.toString());
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    Path killed = folder.resolve("killed");
    Random random = new Random(SEED);
    int kills = 0;
    boolean ended = false;
    while (!ended) {
      try (ClipklProcess process = startOrResume(config, killed)) {
        if (kills < KILLS && killAfterCheckpoint(process, killed, random)) {
          kills++;
        } else {
          assertThat(process.waitFor()).as(process.output()).isZero();
          ended = true;
        }
      }
    }
    assertThat(kills).as("kills that met a run").isGreaterThanOrEqualTo(KILLS / 2);
    assertThat(RunFiles.sha256(killed.resolve("policy.safetensors")))
        .isEqualTo(RunFiles.sha256(undisturbed.resolve("policy.safetensors")));
    assertThat(RunFiles.timelessMetrics(killed)).isEqualTo(RunFiles.timelessMetrics(undisturbed));
  }

  private ClipklProcess startOrResume(Path config, Path run) {
    Path output = folder.resolve("killed.out");
    return Files.exists(run.resolve("config.yaml"))
        ? ClipklProcess.start(output, "train", "--resume", run.toString())
        : ClipklProcess.start(output, "train", config.toString(), "--out", run.toString());
  }

  /** False when the run ended first. */
  private static boolean killAfterCheckpoint(ClipklProcess process, Path run, Random random)
      throws Exception {
    Path checkpoint = run.resolve("checkpoint").resolve("state.safetensors");
    while (process.isAlive() && !Files.exists(checkpoint)) {
      Thread.sleep(1);
    }
    Thread.sleep(300 + random.nextInt(400));
    process.signal("KILL");
    return process.waitFor() == 137;
  }
}
