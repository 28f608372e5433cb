package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.config.RunConfig;
import dev.clipkl.table.TensorType;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingProgress;
import dev.clipkl.training.TrainingRun;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run that was started with relative paths is continued in any other working directory. */
class OtherFolderTest {
  private static final long SEED = 21;

  @TempDir Path folder;

  @Test
  void runIsResumedFromAnotherWorkingDirectory() throws Exception {
    Path relative = Path.of("").toAbsolutePath().relativize(folder);
    BanditFile.write(folder.resolve("bandit.safetensors"), 4, 600, TensorType.F32, SEED);
    TrainingRun.start(config(relative, "undisturbed"), new TrainingListener() {});
    TrainingListener crash =
        new TrainingListener() {
          @Override
          public void afterBlock(TrainingProgress progress) {
            throw new IllegalStateException("crash");
          }
        };
    assertThatThrownBy(() -> TrainingRun.start(config(relative, "crashed"), crash))
        .hasMessage("crash");
    Path elsewhere = Files.createDirectories(folder.resolve("some").resolve("where"));
    try (ClipklProcess process =
        ClipklProcess.start(
            folder.resolve("out"),
            elsewhere,
            List.of(),
            "train",
            "--resume",
            Path.of("..", "..", "crashed").toString())) {
      assertThat(process.waitFor()).as(process.output()).isZero();
      assertThat(process.output()).contains("resumed after outer iteration");
    }
    assertThat(RunFiles.sha256(folder.resolve("crashed").resolve("policy.safetensors")))
        .isEqualTo(RunFiles.sha256(folder.resolve("undisturbed").resolve("policy.safetensors")));
  }

  private static RunConfig config(Path relative, String run) {
    return RunConfig.parse(
            "problem: {import: %s}".formatted(relative.resolve("bandit.safetensors")),
            "test",
            "test",
            List.of(
                "optimizer.tolerance=0",
                "optimizer.outer-iterations=75",
                "run.checkpoint-every=0s"))
        .withOut(relative.resolve(run));
  }
}
