package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.sampling.SamplingSettings;
import dev.clipkl.sampling.TextAverage;
import dev.clipkl.sampling.TextAverages;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SampleCommandTest {
  private static final int END = 4;

  @TempDir private Path folder;
  private CommandLineFixture cli;
  private Path run;

  @BeforeEach
  void train() throws IOException {
    cli = new CommandLineFixture(folder);
    run = new SequenceRunFixture(cli).train("run", "  discount: 0.8\n");
  }

  private JsonNode sample(Object... options) throws IOException {
    Object[] arguments = new Object[options.length + 3];
    arguments[0] = "sample";
    arguments[1] = run;
    arguments[2] = "--json";
    System.arraycopy(options, 0, arguments, 3, options.length);
    assertThat(cli.run(arguments)).as(cli.err()).isZero();
    return cli.json();
  }

  @Test
  void averagesAreBesideTheirExactExpectations() throws IOException {
    JsonNode report = sample("--n", 4000, "--seed", 3);
    for (String policy : List.of("reference_averages", "policy_averages")) {
      JsonNode averages = report.get(policy);
      assertThat(averages.size()).isEqualTo(6);
      for (JsonNode average : averages) {
        // Five standard errors: 2.5 half widths of a 95% interval.
        double half = 0.5 * (average.get("high").doubleValue() - average.get("low").doubleValue());
        assertThat(average.get("sampled").doubleValue())
            .as("%s of %s", average, policy)
            .isCloseTo(average.get("exact").doubleValue(), within(2.5 * half + 1e-12));
      }
    }
    assertThat(report.at("/policy_averages/kl_per_text/exact").doubleValue()).isPositive();
    assertThat(report.at("/reference_averages/kl_per_text/exact").doubleValue()).isZero();
    assertThat(report.at("/policy_averages/discounted_reward/exact").doubleValue())
        .isGreaterThan(report.at("/reference_averages/discounted_reward/exact").doubleValue());
    assertThat(report.get("samples").size()).isEqualTo(4000);
    assertThat(report.at("/settings/max_length").intValue()).isEqualTo(64);
  }

  @Test
  void samplesAreTheirTokens() throws IOException {
    String[] words = {"<unk>", "kind", "rude", "calm", "</s>", "say,\"x\""};
    int begunKind = 0;
    for (JsonNode pair : sample("--n", 400, "--max-length", 6).get("samples")) {
      assertThat(pair.get("prompt").textValue()).isIn("so kind", "rude");
      begunKind += pair.get("prompt").textValue().equals("so kind") ? 1 : 0;
      for (JsonNode text : List.of(pair.get("reference"), pair.get("policy"))) {
        StringBuilder spelt = new StringBuilder();
        int last = -1;
        for (JsonNode token : text.get("tokens")) {
          assertThat(last).isNotEqualTo(END);
          last = token.intValue();
          spelt.append(last == END ? "" : words[last]);
        }
        assertThat(text.get("text").textValue()).isEqualTo(spelt.toString());
        assertThat(text.get("ended").booleanValue()).isEqualTo(last == END);
        assertThat(text.get("tokens").size()).isBetween(1, 6);
      }
    }
    assertThat(begunKind).as("three of four by weight").isBetween(260, 340);
  }

  @Test
  void sameSeedGivesTheSameFileAndAnotherSeedAnother() throws IOException {
    Path first = cli.path("first.jsonl");
    Path second = cli.path("second.jsonl");
    sample("--n", 20, "--out", first);
    JsonNode report = sample("--n", 20, "--out", second);
    assertThat(Files.readAllLines(second)).hasSize(20).isEqualTo(Files.readAllLines(first));
    JsonNode line = new JsonMapper().readTree(Files.readAllLines(first).get(7));
    assertThat(line).isEqualTo(report.get("samples").get(7));
    sample("--n", 20, "--seed", 2, "--out", second, "--force");
    assertThat(Files.readString(second)).isNotEqualTo(Files.readString(first));
    cli.refuses(
        "--out: %s exists already; choose another file, or replace it with --force"
            .formatted(second),
        "sample",
        run,
        "--out",
        second);
    Path prompts = cli.path("prompts.jsonl");
    cli.refuses(
        "--out: %s is the file to read, choose another".formatted(prompts),
        "sample",
        run,
        "--out",
        prompts,
        "--force");
    cli.refuses("--out must end in .jsonl, got x.csv", "sample", run, "--out", "x.csv");
  }

  @Test
  void givenPromptsTakeTurns() throws IOException {
    JsonNode samples = sample("--n", 3, "--prompt", "calm", "--prompt", "rude").get("samples");
    assertThat(samples.findValuesAsText("prompt")).containsExactly("calm", "rude", "calm");
    cli.refuses(
        "--prompt: expected at least one token, got an empty text", "sample", run, "--prompt", "");
  }

  @Test
  void textsAndTheTableAreForReaders() {
    assertThat(cli.run("sample", run, "--n", 10)).as(cli.err()).isZero();
    assertThat(cli.out())
        .contains("  reference  ", "  policy     ", "[", "tokens, reward ", "and 2 more")
        .contains(
            "KL(p||q) per text", "ends by itself", "10 texts each, broken off after 64 tokens")
        .doesNotContain("-0.00");
  }

  @Test
  void horizonIsTheGreatestLength() throws IOException {
    run = new SequenceRunFixture(cli).train("horizon", "  discount: 1\n  horizon: 5\n");
    JsonNode report = sample("--n", 2000);
    assertThat(report.at("/settings/max_length").intValue()).isEqualTo(5);
    for (JsonNode pair : report.get("samples")) {
      assertThat(pair.at("/policy/tokens").size()).isBetween(1, 5);
    }
    JsonNode tokens = report.at("/policy_averages/tokens");
    assertThat(tokens.get("exact").doubleValue())
        .isCloseTo(tokens.get("sampled").doubleValue(), within(0.15));
    cli.refuses(
        "--max-length: expected at most the run's horizon, 5, got 6",
        "sample",
        run,
        "--max-length",
        6);
  }

  @ParameterizedTest
  @CsvSource({
    "--n, 0, 1 to 200000",
    "--temperature, 0, a finite number above 0",
    "--temperature, NaN, a finite number above 0",
    "--top-p, 0, 'a number in (0, 1]'",
    "--top-p, 1.5, 'a number in (0, 1]'",
    "--max-length, 0, 1 to 65536"
  })
  void optionsOutOfRangeAreRefused(String option, String value, String expected) {
    assertThat(cli.run("sample", run, option, value)).isEqualTo(2);
    assertThat(cli.err()).startsWith("clipkl: %s: expected %s, got ".formatted(option, expected));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{prompts: p, tokenizer: t, reference: r, reward: w};"
            + " problem.kind is bandit: expected a run of kind sequence",
        "{kind: mdp, import: m}; problem.kind is mdp: expected a run of kind sequence",
        "{kind: sequence, import: m, discount: 0.5}; expected a run of prompts"
      })
  void runsOfOtherKindsAreRefusedInOneLine(String problem, String reason) throws IOException {
    Files.writeString(run.resolve("config.yaml"), "problem: " + problem + "\n");
    assertThat(cli.run("sample", run)).isEqualTo(2);
    assertThat(cli.err().lines()).hasSize(1);
    assertThat(cli.err()).contains(reason);
  }

  @Test
  void policyFileHasNoTextsOfItsOwn() {
    Path policy = run.resolve("policy.safetensors");
    cli.refuses("%s: expected a run's directory".formatted(policy), "sample", policy);
  }

  @Test
  void inputThatHasChangedSinceTrainingIsRefused() throws IOException {
    cli.file("words.csv", "text,score\n<default>,0.5\nkind,1\nrude,0.2\n");
    assertThat(cli.run("sample", run)).isEqualTo(2);
    assertThat(cli.err()).contains("the run's inputs have changed since it was trained");
  }

  @Test
  void threePoliciesFitALine() {
    TextAverage large = new TextAverage(123.456, 123.456, 111.111, 122.222);
    TextAverages averages = new TextAverages(large, large, large, large, large, large);
    SampleReport.Text text =
        new SampleReport.Text("word ".repeat(40), new int[] {1, END}, false, 1.0, 1.0, -0.001);
    List<SampleTable.Policy> policies =
        Stream.of("reference", "reverse-kl", "forward-kl")
            .map(name -> new SampleTable.Policy(name, List.of(text), averages))
            .toList();
    StringWriter out = new StringWriter();
    PrintWriter printer = new PrintWriter(out);
    SampleTable table =
        new SampleTable(
            List.of("say\u001B[31m\n\"this\""),
            policies,
            new SamplingSettings(100, 1, 1.0, 1.0, 64));
    table.printTexts(1, printer);
    table.printAverages(printer);
    printer.flush();
    assertThat(out.toString().lines()).allSatisfy(line -> assertThat(line).hasSizeLessThan(101));
    assertThat(out.toString())
        .contains("word ... [2 tokens, reward 1.00, KL 0.00]", "123.456 ± 5.555*", "\u23CE")
        .doesNotContain("\u001B", "-0.00");
  }
}
