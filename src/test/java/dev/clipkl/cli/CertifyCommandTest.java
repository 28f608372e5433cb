package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertifyCommandTest {
  @TempDir private Path folder;
  private CommandLineFixture cli;

  @BeforeEach
  void prepare() {
    cli = new CommandLineFixture(folder);
  }

  private Path config(String rest) throws IOException {
    BanditFile.write(cli.path("bandit.safetensors"), 3, 50, TensorType.F32, 3L);
    return cli.file(
        "run.yaml", "problem: {import: %s}\n".formatted(cli.path("bandit.safetensors")) + rest);
  }

  @Test
  void jsonHasEveryNumberAndEveryCheck() throws IOException {
    MdpFile.write(cli.path("mdp.safetensors"), MdpFixture.random(new Random(2L), 4, 3, 0.9), null);
    Path config =
        cli.file(
            "mdp.yaml",
            """
            problem: {kind: mdp, discount: 0.9, import: %s}
            objective: {divergence: forward-kl, lambda: 0.5}
            optimizer: {kind: gradient, outer-iterations: 60, tolerance: 1e-9}
            """
                .formatted(cli.path("mdp.safetensors")));
    assertThat(cli.run("certify", config, "--json")).as(cli.err()).isZero();
    JsonNode json = cli.json();
    double value = json.get("value").doubleValue();
    assertThat(json.get("optimum_lower").doubleValue())
        .isLessThanOrEqualTo(json.get("optimum_upper").doubleValue());
    assertThat(json.get("gap").doubleValue())
        .isBetween(
            json.get("optimum_lower").doubleValue() - value - 1e-12,
            json.get("optimum_upper").doubleValue() - value + 1e-12);
    assertThat(json.get("min_reference").doubleValue()).isPositive();
    assertThat(json.get("min_policy").doubleValue()).isPositive();
    JsonNode rate = json.get("rate");
    assertThat(rate.get("mu_min").doubleValue()).isPositive();
    assertThat(rate.get("mu_max").doubleValue()).isGreaterThan(rate.get("mu_min").doubleValue());
    assertThat(rate.get("predicted_per_step").doubleValue()).isBetween(0.0, 1.0);
    assertThat(rate.has("measured_per_step")).isTrue();
    assertThat(rate.get("predicted_raw_gradient_steps").doubleValue()).isPositive();
    assertThat(json.get("checks")).isNotEmpty();
    for (JsonNode check : json.get("checks")) {
      for (String key :
          List.of("name", "equation", "standing", "measured", "bound", "slack", "holds")) {
        assertThat(check.has(key)).as("%s of %s", key, check).isTrue();
      }
      assertThat(check.get("holds").booleanValue()).as(check.toString()).isTrue();
    }
    assertThat(cli.err()).contains("4 states, 3 actions");
  }

  @Test
  void finishedRunIsCertifiedFromItsDirectory() throws IOException {
    Path config = config("optimizer: {outer-iterations: 10, tolerance: 1e-7}\n");
    assertThat(cli.run("train", config, "--out", cli.path("run"))).isZero();
    assertThat(cli.run("certify", cli.path("run"))).as(cli.err()).isZero();
    assertThat(cli.out())
        .contains("exact gap")
        .contains("value never falls, at any state")
        .contains("Every proven claim holds");
    Path kept = cli.path("run").resolve("certificate.json");
    String certificate = Files.readString(kept);
    assertThat(cli.run("certify", cli.path("run"), "--no-replay")).as(cli.err()).isZero();
    assertThat(cli.out()).doesNotContain("value never falls");
    assertThat(kept).as("the one with more claims").hasContent(certificate);
    assertThat(cli.run("certify", cli.path("run"), "--json")).as(cli.err()).isZero();
    assertThat(kept).as("what --json prints").hasContent(cli.out());
  }

  @Test
  void certificateThatCannotBeKeptIsPrintedAllTheSame() throws IOException {
    Path config = config("optimizer: {outer-iterations: 2}\n");
    assertThat(cli.run("train", config, "--out", cli.path("run"))).isZero();
    // Stands in the way even of a user who may write everywhere.
    Files.createDirectory(cli.path("run").resolve("certificate.json"));
    assertThat(cli.run("certify", cli.path("run"))).as(cli.err()).isZero();
    assertThat(cli.out())
        .contains("the certificate is not kept: ")
        .contains("Every proven claim holds");
  }

  @Test
  void failedClaimIsExitCodeOneAndNamed() throws IOException {
    Path config =
        config(
            "optimizer: {kind: gradient, step-rule: fixed, step-size: 100, outer-iterations: 50}\n");
    assertThat(cli.run("certify", config)).isEqualTo(1);
    assertThat(cli.err())
        .contains("claims failed: step within the certified range")
        .contains("value never falls, at any state");
    assertThat(cli.run("certify", config, "--set", "optimizer.step-size=1", "--json"))
        .as("K = 4 inner steps without trials are no more than claimed, but do hold here")
        .isZero();
  }

  @Test
  void wrongInputIsOneLine() throws IOException {
    Path empty = Files.createDirectory(cli.path("empty"));
    cli.refuses(
        "%s holds no run, expected a folder with a config.yaml, or a policy file".formatted(empty),
        "certify",
        empty);
    cli.refuses(
        "%s: no such configuration file".formatted(cli.path("none.yaml")),
        "certify",
        cli.path("none.yaml"));
    Path config = config("optimizer: {outer-iterations: 1}\n");
    assertThat(cli.run("train", config, "--out", cli.path("run"))).isZero();
    cli.refuses(
        "--set goes with CONFIG.yaml: a run has its own configuration (usage: clipkl certify"
            + " --help)",
        "certify",
        cli.path("run"),
        "--set",
        "objective.lambda=1");
  }
}
