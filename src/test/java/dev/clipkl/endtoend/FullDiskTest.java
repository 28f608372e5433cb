package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs on a file system of one mebibyte. */
class FullDiskTest {
  private static final long SEED = 28;

  @TempDir Path folder;

  private Path disk;
  private Path config;
  private boolean mounted;

  @BeforeEach
  void mountSmallDisk() throws Exception {
    disk = Files.createDirectory(folder.resolve("disk"));
    mounted = run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString());
    assumeTrue(mounted, "a tmpfs of 1 MiB can only be mounted by root with CAP_SYS_ADMIN");
    BanditFile.write(folder.resolve("bandit.safetensors"), 8, 20_000, TensorType.F32, SEED);
    config =
        RunFiles.write(
            folder.resolve("run.yaml"),
            """
            problem: {import: %s}
            optimizer: {step-rule: fixed, step-size: 0.05, tolerance: 0, outer-iterations: 64}
            run: {checkpoint-every: 0s}
            """
                .formatted(folder.resolve("bandit.safetensors")));
  }

  @AfterEach
  void unmount() throws Exception {
    if (mounted) {
      assertThat(run("umount", disk.toString())).isTrue();
    }
  }

  @Test
  void secondCheckpointOnAFullDiskLeavesTheFirstToContinueFrom() throws Exception {
    Path undisturbed = folder.resolve("undisturbed");
    assertThat(train(undisturbed).exitCode()).isZero();

    // One policy takes 640 kB: the second checkpoint has no room beside the first.
    Path run = disk.resolve("run");
    CommandLineProbe.Outcome full = train(run);
    assertThat(full.err())
        .startsWith("clipkl: disk full: writing ")
        .contains("state.safetensors", "needs at least", "free")
        .hasLineCount(1);
    assertThat(full.exitCode()).isEqualTo(3);
    assertThat(run.resolve("policy.safetensors")).doesNotExist();
    try (Stream<Path> checkpoints = Files.list(run.resolve("checkpoint"))) {
      assertThat(checkpoints).containsExactly(run.resolve("checkpoint/state.safetensors"));
    }

    assertThat(run("mount", "-o", "remount,size=4m", disk.toString())).isTrue();
    CommandLineProbe.Outcome resumed = CommandLineProbe.run("train", "--resume", run.toString());
    assertThat(resumed.exitCode()).as(resumed.err()).isZero();
    assertThat(resumed.out()).contains("resumed after outer iteration 16");
    assertThat(RunFiles.sha256(run.resolve("policy.safetensors")))
        .isEqualTo(RunFiles.sha256(undisturbed.resolve("policy.safetensors")));
    assertThat(RunFiles.timelessMetrics(run)).isEqualTo(RunFiles.timelessMetrics(undisturbed));
  }

  @Test
  void runOnADiskThatIsFullAlreadyIsRefused() throws Exception {
    Path filler = disk.resolve("filler");
    try (var out = Files.newOutputStream(filler)) {
      out.write(new byte[2 << 20]);
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
    CommandLineProbe.Outcome outcome = train(disk.resolve("run"));
    assertThat(outcome.err()).contains("disk full").hasLineCount(1);
    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(disk.resolve("run/config.yaml")).doesNotExist();
    Files.delete(filler);
    CommandLineProbe.Outcome again =
        CommandLineProbe.run(
            List.of(
                "train",
                config.toString(),
                "--out",
                disk.resolve("run").toString(),
                "--set",
                "run.checkpoint-every=1h"));
    assertThat(again.exitCode()).as(again.err()).isZero();
  }

  private CommandLineProbe.Outcome train(Path run) {
    return CommandLineProbe.run("train", config.toString(), "--out", run.toString());
  }

  private static boolean run(String... command) throws InterruptedException {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
