package dev.clipkl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.RowTable.Precision;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a configuration means: defaults, overrides, modes, and its YAML. */
class RunConfigTest {
  private static final String SMALLEST = "problem: {import: p.safetensors}\n";

  private static final String FULL =
      """
      problem:
        kind: bandit
        prompts: data/prompts.jsonl
        tokenizer: cl100k_base
        reference: models/reference.safetensors
        reward: models/reward.json
        discount: 0.0
        start: uniform
        storage: bf16
      objective: {divergence: alpha(0.5), lambda: 1e-1, clip-epsilon: .25}
      optimizer:
        kind: newton
        step-rule: safe
        step-size: 2
        weights: visitation
        inner-steps: 7
        outer-iterations: 9
        tolerance: 0
        max-seconds: 1.5
      mode: practical
      run:
        engine: vector
        threads: 3
        memory: 512MiB
        checkpoint-every: 500ms
        metrics-every: 2
        tensorboard: false
        csv: true
        mlflow: https://tracking.example/ml
        out: somewhere/else
      """;

  @TempDir Path folder;

  private static RunConfig parse(String yaml, String... overrides) {
    return RunConfig.parse(yaml, "a.yaml", "a", List.of(overrides));
  }

  @Test
  void everyKeyIsRead() {
    assertThat(parse(FULL))
        .isEqualTo(
            new RunConfig(
                new RunConfig.Problem(
                    ProblemKind.BANDIT,
                    Optional.of(Path.of("data/prompts.jsonl")),
                    Optional.of("cl100k_base"),
                    Optional.of(Path.of("models/reference.safetensors")),
                    Optional.of(Path.of("models/reward.json")),
                    Optional.empty(),
                    0.0,
                    new RunConfig.Contexts(512, 0, 0.05, 0.0),
                    StartDistribution.UNIFORM,
                    Precision.BFLOAT16),
                new RunConfig.Objective(new AlphaDivergence(0.5), 0.1, 0.25),
                new RunConfig.Optimizer(
                    Optional.of(OptimizerKind.NEWTON),
                    StepRuleKind.SAFE,
                    2.0,
                    WeightKind.VISITATION,
                    7,
                    9,
                    0.0,
                    Optional.of(1.5)),
                Mode.PRACTICAL,
                new RunConfig.Run(
                    EngineChoice.VECTOR,
                    3,
                    "512MiB",
                    Duration.ofMillis(500),
                    2,
                    new RunConfig.Trackers(
                        false, true, Optional.of(URI.create("https://tracking.example/ml"))),
                    Path.of("somewhere/else"))));
  }

  @Test
  void keysNotGivenHaveTheirDefaults() {
    assertThat(parse(SMALLEST))
        .isEqualTo(
            new RunConfig(
                new RunConfig.Problem(
                    ProblemKind.BANDIT,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.of(Path.of("p.safetensors")),
                    0.0,
                    new RunConfig.Contexts(512, 0, 0.05, 0.0),
                    StartDistribution.WEIGHTS,
                    Precision.FLOAT32),
                new RunConfig.Objective(new ReverseKl(), 0.1, 0.2),
                new RunConfig.Optimizer(
                    Optional.empty(),
                    StepRuleKind.BACKTRACKING,
                    1.0,
                    WeightKind.ROW,
                    4,
                    200,
                    1e-6,
                    Optional.empty()),
                Mode.PRACTICAL,
                new RunConfig.Run(
                    EngineChoice.AUTO,
                    0,
                    "auto",
                    Duration.ofSeconds(60),
                    1,
                    new RunConfig.Trackers(true, false, Optional.empty()),
                    Path.of("runs/a"))));
  }

  @Test
  void autoTakesTheOptimizerRecommendedForTheDivergence() {
    RunConfig.Optimizer optimizer = parse(SMALLEST).optimizer();
    assertThat(optimizer.kindFor(new ReverseKl())).isEqualTo(OptimizerKind.NATURAL);
    assertThat(optimizer.kindFor(new ForwardKl())).isEqualTo(OptimizerKind.PRECONDITIONED);
    assertThat(parse(SMALLEST, "optimizer.kind=adam").optimizer().kindFor(new ReverseKl()))
        .isEqualTo(OptimizerKind.ADAM);
  }

  @Test
  void faithfulModeIsGradientFixedStepAndVisitation() {
    RunConfig.Optimizer optimizer = parse(SMALLEST + "mode: faithful\n").optimizer();
    assertThat(optimizer.kind()).contains(OptimizerKind.GRADIENT);
    assertThat(optimizer.stepRule()).isEqualTo(StepRuleKind.FIXED);
    assertThat(optimizer.weights()).isEqualTo(WeightKind.VISITATION);
    assertThat(parse(SMALLEST + "mode: faithful\noptimizer: {step-rule: fixed}").optimizer())
        .isEqualTo(optimizer);
  }

  @Test
  void overridesReplaceAndCreateKeysAndTheLastOneWins() {
    RunConfig config =
        parse(
            FULL,
            "objective.lambda=3",
            "objective.lambda=0.5",
            "problem.prompts = other.jsonl ",
            "optimizer.max-seconds=");
    assertThat(config.objective().lambda()).isEqualTo(0.5);
    assertThat(config.problem().prompts()).contains(Path.of("other.jsonl"));
    assertThat(config.optimizer().maxSeconds()).isEmpty();
    assertThat(parse(SMALLEST, "run.threads=2").run().threads()).isEqualTo(2);
    assertThat(parse("", "problem.import=p.safetensors").problem().importFile())
        .contains(Path.of("p.safetensors"));
  }

  @Test
  void overrideRepairsAWrongValue() {
    assertThat(
            parse(SMALLEST + "objective: {lambda: -1}", "objective.lambda=2").objective().lambda())
        .isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "a=b: c # d | a=b: c # d",
        "\"null\" | null",
        "'it''s'  | it's",
        "\"tab\\tin\" | tab\tin",
        "C:\\x | C:\\x",
        "' spaces ' | ` spaces `",
        "{a, b} | {a, b}",
      })
  void overridesAreTakenAsTheyStandOrInQuotes(String given, String value) {
    assertThat(parse(SMALLEST, "problem.tokenizer=" + given).problem().tokenizer()).contains(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null", "true", "yes", "1", "1e3", "~", "a: b", "# a", "*a", "&a", "- a", "'", "\"", " a ",
        "a\nb", "ü", "{a}", "[a]", "%a", "@a", "a\\b", "C:\\x", "-", ":", "!a", "a #b", "0x1f",
      })
  void everyTextSurvivesYaml(String text) {
    RunConfig config = parse(SMALLEST);
    RunConfig.Problem problem = config.problem();
    RunConfig changed =
        new RunConfig(
            new RunConfig.Problem(
                problem.kind(),
                problem.prompts(),
                Optional.of(text),
                problem.reference(),
                problem.reward(),
                Optional.of(Path.of(text)),
                problem.discount(),
                problem.contexts(),
                problem.start(),
                problem.storage()),
            config.objective(),
            config.optimizer(),
            config.mode(),
            config.run());
    assertThat(parse(changed.toYaml())).isEqualTo(changed);
  }

  @ParameterizedTest
  @ValueSource(strings = {FULL, SMALLEST, SMALLEST + "mode: faithful"})
  void resolvedConfigurationReadsBackEqual(String yaml) {
    RunConfig config = parse(yaml);
    // Another name: nothing may be left to a default that depends on it.
    assertThat(RunConfig.parse(config.toYaml(), "b.yaml", "b", List.of())).isEqualTo(config);
    assertThat(ConfigReference.entries())
        .allSatisfy(entry ->
            assertThat(config.toYaml())
                .contains(entry.key().substring(entry.key().lastIndexOf('.') + 1) + ":"));
  }

  @Test
  void resolvedConfigurationIsPlainYaml() {
    assertThat(parse(FULL).toYaml())
        .startsWith(
            """
            problem:
              kind: bandit
              prompts: data/prompts.jsonl
              tokenizer: cl100k_base
              reference: models/reference.safetensors
              reward: models/reward.json
              import: null
              discount: 0.0
              classes: 512
              horizon: 0
              exploration: 0.05
              end-reward: 0.0
              start: uniform
              storage: bf16
            objective:
              divergence: alpha(0.5)
              lambda: 0.1
              clip-epsilon: 0.25
            """);
  }

  @ParameterizedTest
  @CsvSource({
    "0s, 0",
    "1ms, 1",
    "1500ms, 1500",
    "60s, 60000",
    "5m, 300000",
    "2h, 7200000",
    "999999999h, 3599999996400000",
    "999999999m, 59999999940000",
  })
  void durationsAreReadAndReadBack(String text, long milliseconds) {
    RunConfig config = parse(SMALLEST, "run.checkpoint-every=" + text);
    assertThat(config.run().checkpointEvery()).isEqualTo(Duration.ofMillis(milliseconds));
    assertThat(parse(config.toYaml())).isEqualTo(config);
  }

  @Test
  void fileNamesTheRunDirectory() throws IOException {
    Path file = Files.writeString(folder.resolve("kind.words.yaml"), "\uFEFF" + SMALLEST);
    RunConfig config = RunConfig.read(file, List.of());
    assertThat(config.run().out()).isEqualTo(Path.of("runs/kind.words"));
    assertThat(config.withOut(Path.of("x")).run().out()).isEqualTo(Path.of("x"));
    assertThat(config.withOut(config.run().out())).isEqualTo(config);
  }

  @Test
  void unreadableFilesAreNamed() throws IOException {
    Path missing = folder.resolve("none.yaml");
    assertThatThrownBy(() -> RunConfig.read(missing, List.of()))
        .isInstanceOf(InputException.class)
        .hasMessage("%s: no such configuration file", missing);
    assertThatThrownBy(() -> RunConfig.read(folder, List.of()))
        .isInstanceOf(InputException.class)
        .hasMessage("%s: expected a configuration file, but it is a folder", folder);
    Path latin1 = folder.resolve("a.yaml");
    Files.write(latin1, "a: \u00fc".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> RunConfig.read(latin1, List.of()))
        .isInstanceOf(InputException.class)
        .hasMessage("%s: not YAML: not encoded in UTF-8", latin1);
  }

  @Test
  void recordsRefuseValuesOutOfRange() {
    assertThatThrownBy(() -> new RunConfig.Objective(new ReverseKl(), Double.NaN, 0.2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("objective.lambda must be a number > 0, got NaN");
    assertThatThrownBy(() -> new RunConfig.Objective(new ReverseKl(), 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("objective.clip-epsilon must be in (0, 1), got 1.0");
  }
}
