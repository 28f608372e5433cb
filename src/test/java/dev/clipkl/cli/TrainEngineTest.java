package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.driver.FakeDriver;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train --engine}, on a machine without a GPU and on one that pretends to have one. */
class TrainEngineTest {
  private static final long SEED = 9;

  @TempDir private Path folder;

  private CommandLineFixture cli;

  @BeforeEach
  void writeProblem() throws IOException {
    cli = new CommandLineFixture(folder);
    BanditFile.write(folder.resolve("bandit.safetensors"), 3, 300, TensorType.F32, SEED);
    cli.file("run.yaml", "problem: {import: %s}".formatted(folder.resolve("bandit.safetensors")));
  }

  private int train(String engine) {
    return cli.run(
        "train", cli.path("run.yaml"), "--engine", engine, "--out", cli.path("run-" + engine));
  }

  @Test
  void cudaFailsWithTheReasonAndLeavesNothing() {
    assertThat(train("cuda")).isEqualTo(3);
    assertThat(cli.err())
        .startsWith("clipkl: the engine cuda cannot run here: no NVIDIA driver (")
        .endsWith("not found): set run.engine to auto" + System.lineSeparator())
        .hasLineCount(1);
    assertThat(cli.path("run-cuda")).doesNotExist();
  }

  @Test
  void autoFallsBackAndSaysWhyInItsFirstLine() {
    assertThat(train("auto")).as(cli.err()).isZero();
    assertThat(cli.out().lines().findFirst().orElseThrow())
        .startsWith("engine: vector: ")
        .contains("(auto: cuda cannot run here: no NVIDIA driver (");
    assertThat(cli.out().lines().filter(line -> line.contains("NVIDIA"))).hasSize(1);
    assertThat(cli.err()).doesNotContain("cuda", "NVIDIA", "Exception");
  }

  @Test
  void cudaRunsWhereTheProbePasses() {
    try (FakeDriver driver = new FakeDriver()) {
      driver.asLibrary();
      assertThat(train("cuda")).as(cli.err()).isZero();
      assertThat(cli.out().lines().findFirst().orElseThrow())
          .startsWith("engine: cuda: ")
          .contains("(asked for by name: the tables take ");
      assertThat(cli.path("run-cuda").resolve("policy.safetensors")).exists();
    }
  }

  @Test
  void errorOfTheDriverInARunIsOneLine() {
    try (FakeDriver driver = new FakeDriver().failing("cuLaunchKernelEx:719")) {
      driver.asLibrary();
      cli.run(
          "train",
          cli.path("run.yaml"),
          "--engine=cuda",
          "--out",
          cli.path("failed"),
          "--set",
          "problem.import=" + large());
      assertThat(cli.err())
          .isEqualTo(
              "clipkl: the NVIDIA driver: cuLaunchKernelEx: CUDA_ERROR_LAUNCH_FAILED (unspecified"
                  + " launch failure)"
                  + System.lineSeparator());
    }
  }

  /** Rows that take a cluster of blocks, and so the driver's newer function. */
  private Path large() {
    Path path = folder.resolve("large.safetensors");
    return BanditFile.write(path, 1, 30_000, TensorType.F32, SEED).path();
  }

  @Test
  void resumedRunKeepsItsEngine() {
    assertThat(cli.run("train", "--resume", folder, "--engine", "vector")).isEqualTo(2);
    assertThat(cli.err()).contains("--set, --engine and --out cannot change it");
  }
}
