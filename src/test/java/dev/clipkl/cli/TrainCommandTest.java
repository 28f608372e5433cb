package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code train} prints besides its progress. */
class TrainCommandTest {
  private static final long SEED = 12;

  @TempDir Path folder;

  private CommandLineFixture cli;
  private Path config;
  private Path run;

  @BeforeEach
  void writeProblem() throws IOException {
    cli = new CommandLineFixture(folder);
    run = cli.path("run");
    Path bandit = cli.path("bandit.safetensors");
    BanditFile.write(bandit, 4, 300, TensorType.F32, SEED);
    config = cli.file("run.yaml", "problem: {import: %s}".formatted(bandit));
  }

  @Test
  void jsonSaysWhereTheTimeWentAsRunJsonDoes() throws IOException {
    assertThat(cli.run("train", config, "--out", run, "--json")).as(cli.err()).isZero();
    JsonNode seconds = cli.json().path("phase_seconds");
    assertThat(seconds.path("total").doubleValue()).isPositive();
    assertThat(seconds.path("row_programs").doubleValue()).isPositive();
    assertThat(seconds).isEqualTo(RunFiles.json(run.resolve("run.json")).path("phase_seconds"));
    assertThat(cli.err().lines()).last().asString().startsWith("time: ");
  }

  @Test
  void lastLineOnStandardErrorSaysWhereTheTimeWent() {
    assertThat(cli.run("train", config, "--out", run)).as(cli.err()).isZero();
    double total =
        RunFiles.json(run.resolve("run.json")).path("phase_seconds").path("total").doubleValue();
    assertThat(cli.err()).startsWith("time: %.1f s".formatted(total)).hasLineCount(1);
    assertThat(cli.out()).contains("stopped after").doesNotContain("time: ");
  }
}
