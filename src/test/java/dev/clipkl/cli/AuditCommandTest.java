package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.TensorType;
import dev.clipkl.training.PolicyFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuditCommandTest {
  /** Two rows of three tokens; row 0 is p = (1/2, 1/4, 1/4) against q = (1/4, 1/4, 1/2). */
  private static final double[] POLICY = {
    Math.log(2), 0, 0, /* row 1 */ 0, 1, 2,
  };

  private static final double[] SAMPLER = {0.5, 0, 0, 0, 0.5, 1};
  private static final double[] REFERENCE = {0, 0, Math.log(2), 1, 0, 1};
  private static final double LOG2 = Math.log(2);

  @TempDir private Path folder;
  private CommandLineFixture cli;
  private Path policy;
  private Path reference;

  @BeforeEach
  void prepare() throws IOException {
    cli = new CommandLineFixture(folder);
    policy = policyFile("policy.safetensors", POLICY);
    reference = cli.matrix("reference.safetensors", "reference_logits", REFERENCE, 2, Map.of());
  }

  private Path policyFile(String name, double[] logits) throws IOException {
    return cli.matrix(name, "logits", logits, 2, Map.of("format", PolicyFile.FORMAT));
  }

  /** A finished run whose problem weighs its rows 3 to 1. */
  private Path run() throws IOException {
    Path problem = cli.path("problem.safetensors");
    List<SafetensorsWriter.Declaration> tensors =
        List.of(
            new SafetensorsWriter.Declaration("reference_logits", TensorType.F64, 2, 3),
            new SafetensorsWriter.Declaration("rewards", TensorType.F64, 3),
            new SafetensorsWriter.Declaration("start", TensorType.F64, 2));
    try (SafetensorsWriter writer = SafetensorsWriter.open(problem, Map.of(), tensors)) {
      writer.writeDoubles(REFERENCE, 6);
      writer.writeDoubles(new double[3], 3);
      writer.writeDoubles(new double[] {3, 1}, 2);
      writer.commit();
    }
    Path run = Files.createDirectory(cli.path("run"));
    RunConfig config =
        RunConfig.parse("problem: {}", "test", "test", List.of("problem.import=" + problem));
    Files.writeString(run.resolve("config.yaml"), config.toYaml());
    Files.copy(policy, run.resolve("policy.safetensors"));
    return run;
  }

  private JsonNode find(int target, String list, String estimator, String use) throws IOException {
    JsonNode entries = cli.json().at("/result/targets/" + target + "/" + list);
    return StreamSupport.stream(entries.spliterator(), false)
        .filter(entry ->
            entry.get("estimator").textValue().equals(estimator)
                && entry
                    .get(list.equals("values") ? "weight" : "placement")
                    .textValue()
                    .equals(use))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void exactNumbersOfARowAreThoseOfThePaperCalculation() throws IOException {
    assertThat(cli.run("audit", policy, "--reference", reference, "--rows", "0", "--json"))
        .as(cli.err())
        .isZero();
    assertThat(cli.err()).isEmpty();
    JsonNode json = cli.json();
    // 1/2 log 2 + 1/4 log 1 + 1/4 log 1/2, and the same the other way round.
    assertThat(json.at("/result/kl_policy_to_reference").doubleValue())
        .isCloseTo(LOG2 / 4, within(1e-15));
    assertThat(json.at("/result/kl_reference_to_policy").doubleValue())
        .isCloseTo(LOG2 / 4, within(1e-15));
    assertThat(json.get("rows").intValue()).isEqualTo(1);
    assertThat(json.at("/result/kl_sampler_to_policy").isNull()).isTrue();
    assertThat(json.at("/settings/sample_sizes").toString()).isEqualTo("[1000,1000000]");
    JsonNode k2 = find(0, "values", "k2", "k");
    assertThat(k2.get("expectation").doubleValue())
        .isCloseTo(0.75 * LOG2 * LOG2 / 2, within(1e-15));
    JsonNode k1 = find(0, "values", "k1", "k").get("sampled").get(1);
    assertThat(k1.get("covers_target").booleanValue()).isTrue();
    assertThat(k1.get("low").doubleValue()).isLessThan(LOG2 / 4);
    assertThat(k1.get("high").doubleValue()).isGreaterThan(LOG2 / 4);
    JsonNode k3Loss = find(0, "gradients", "k3", "loss");
    assertThat(k3Loss.get("relative_bias").doubleValue()).isGreaterThan(0.1);
    assertThat(k3Loss.get("sampled").get(1).get("covers_target").booleanValue()).isFalse();
    assertThat(k3Loss.get("sampled").get(1).get("covers_expectation").booleanValue()).isTrue();
    assertThat(find(0, "gradients", "k1", "loss").get("cosine").isNull()).isTrue();
    assertThat(find(0, "gradients", "k1", "loss").get("reason").textValue())
        .contains("expected gradient is zero");
  }

  @Test
  void aRunBringsItsReferenceAndItsWeights() throws IOException {
    assertThat(cli.run("audit", run(), "--samples", "100", "--json")).as(cli.err()).isZero();
    double ofRun = cli.json().at("/result/kl_policy_to_reference").doubleValue();
    double[] rows = new double[2];
    for (int row = 0; row < 2; row++) {
      assertThat(
              cli.run(
                  "audit",
                  policy,
                  "--reference",
                  reference,
                  "--rows",
                  row,
                  "--json",
                  "--samples=9"))
          .isZero();
      rows[row] = cli.json().at("/result/kl_policy_to_reference").doubleValue();
    }
    // The run's reference is float32.
    assertThat(ofRun).isCloseTo(0.75 * rows[0] + 0.25 * rows[1], within(1e-7));
  }

  @Test
  void tableShowsBothDirectionsAndItsLegendWithin110Columns() {
    assertThat(cli.run("audit", policy, "--reference", reference)).as(cli.err()).isZero();
    assertThat(cli.out())
        .contains("reverse KL(p||q) from tokens x ~ p, r = q/p")
        .contains("forward KL(q||p) from tokens x ~ p, r = q/p")
        .contains("forward KL(q||p) from tokens x ~ q, r = p/q")
        .contains("--sampler OLDER_POLICY")
        .contains("n=1,000,000")
        .doesNotContain("sg(rho)", "NaN");
    assertThat(cli.out().lines()).allSatisfy(line -> assertThat(line.length()).isLessThan(111));
  }

  @Test
  void aSamplerAddsImportanceCorrection() throws IOException {
    Path sampler = policyFile("older.safetensors", SAMPLER);
    assertThat(cli.run("audit", policy, "--reference", reference, "--sampler", sampler))
        .as(cli.err())
        .isZero();
    assertThat(cli.out())
        .contains("KL(mu||p)", "x ~ mu", "sg(rho)*loss", "rho*reward(mu)", "k_mu")
        .contains(sampler.toString())
        .doesNotContain("OLDER_POLICY");
    assertThat(cli.run("audit", policy, "--reference", reference, "--sampler", sampler, "--json"))
        .isZero();
    assertThat(find(0, "gradients", "k1", "rho*reward").get("relative_bias").doubleValue())
        .isLessThan(1e-12);
    assertThat(find(0, "gradients", "k1", "reward").get("relative_bias").doubleValue())
        .isGreaterThan(0.01);
  }

  @Test
  void theSeedDecidesTheSamples() throws IOException {
    String[] outputs = new String[3];
    for (int i = 0; i < 3; i++) {
      assertThat(
              cli.run(
                  "audit", policy, "--reference", reference, "--seed", i == 2 ? 2 : 1, "--json"))
          .isZero();
      outputs[i] = cli.json().get("result").toString();
    }
    assertThat(outputs[1]).isEqualTo(outputs[0]);
    assertThat(outputs[2]).isNotEqualTo(outputs[0]);
  }

  @Test
  void whatJsonHasNoNumberForIsNullWithItsReason() throws IOException {
    Path extreme = policyFile("extreme.safetensors", new double[] {0, 0, -900, 0, 1, 2});
    assertThat(cli.run("audit", extreme, "--reference", reference, "--json")).isZero();
    JsonNode k3 = find(0, "values", "k3", "k");
    assertThat(k3.get("expectation").isNull()).isTrue();
    assertThat(k3.get("reason").textValue()).contains("beyond float64");
    assertThat(cli.run("audit", extreme, "--reference", reference)).isZero();
    assertThat(cli.out()).contains("n/a").doesNotContain("NaN", "Infinity");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--samples=1|--samples: expected sizes from 2 to 100000000, got 1",
        "--samples=100000001|--samples: expected sizes from 2 to 100000000, got 100000001",
        "--samples=50,50|--samples: 50 is named twice",
        "--confidence=1|--confidence must be in (0, 1), got 1.0",
        "--confidence=NaN|--confidence must be in (0, 1), got NaN",
        "--rows=2|--rows: expected rows from 0 to 1, got 2",
      })
  void wrongOptionIsRefused(String option, String line) {
    cli.refuses(line, "audit", policy, "--reference", reference, option);
  }

  @Test
  void policyFileWithoutAReferenceIsRefused() {
    cli.refuses(
        "a policy file needs --reference FILE.safetensors, or name its run's directory"
            + " (usage: clipkl audit --help)",
        "audit",
        policy);
  }

  @Test
  void runWithAReferenceOfItsOwnRefusesAnother() throws IOException {
    cli.refuses(
        "--reference goes with a policy file, a run has its own (usage: clipkl audit --help)",
        "audit",
        run(),
        "--reference",
        reference);
  }

  @Test
  void tablesOfAnotherShapeAreRefused() throws IOException {
    Path small = cli.matrix("small.safetensors", "reference_logits", new double[4], 2, Map.of());
    cli.refuses(
        "the reference does not fit the policy: expected [2, 3], got [2, 2]",
        "audit",
        policy,
        "--reference",
        small);
    Path other = policyFile("other.safetensors", new double[8]);
    cli.refuses(
        other + " does not fit the policy: expected [2, 3], got [2, 4]",
        "audit",
        policy,
        "--reference",
        reference,
        "--sampler",
        other);
  }

  @Test
  void brokenInputsAreNamed() throws IOException {
    Path bad =
        cli.matrix(
            "bad.safetensors",
            "reference_logits",
            new double[] {0, 0, Double.NaN, 0, 0, 0},
            2,
            Map.of());
    cli.refuses(
        bad + ": reference_logits[0, 2] is NaN, expected a finite number",
        "audit",
        policy,
        "--reference",
        bad);
    cli.refuses(
        "%s holds no run, expected a folder with a config.yaml, or a policy file".formatted(folder),
        "audit",
        folder);
    Path run = run();
    Files.delete(run.resolve("policy.safetensors"));
    cli.refuses(
        "%s has no policy.safetensors yet: finish the run with clipkl train --resume %s"
            .formatted(run, run),
        "audit",
        run);
  }
}
