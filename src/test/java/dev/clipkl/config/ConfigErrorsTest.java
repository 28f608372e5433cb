package dev.clipkl.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.failure.InputException;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a configuration is refused for, and in which words. */
class ConfigErrorsTest {
  private static final String SMALLEST = "problem: {import: p.safetensors}\n";

  private static void assertRefused(String yaml, List<String> overrides, String... lines) {
    assertThatThrownBy(() -> RunConfig.parse(yaml, "a.yaml", "a", overrides))
        .isInstanceOf(InputException.class)
        .hasMessage(String.join("\n", lines));
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "objective.clip-epsilon=1.2 | objective.clip-epsilon must be in (0, 1), got 1.2",
        "objective.clip-epsilon=x   | objective.clip-epsilon must be a number in (0, 1), got x",
        "objective.lambda=0         | objective.lambda must be > 0, got 0",
        "objective.lambda=NaN       | objective.lambda must be a number > 0, got NaN",
        "objective.lambda=1e999     | objective.lambda must be > 0, got 1e999",
        "objective.lambda=0x1p3     | objective.lambda must be a number > 0, got 0x1p3",
        "objective.lambda=          | objective.lambda must be a number > 0, got nothing",
        "objective.divergence=kl | objective.divergence: a divergence must be forward-kl,"
            + " reverse-kl, js, chi2, hellinger2 or alpha(X), got kl",
        "objective.divergence=alpha(1) | objective.divergence: alpha must be finite and neither 0"
            + " (that is forward-kl) nor 1 (that is reverse-kl), got 1.0",
        "objective.divergence=alpha(x) | objective.divergence: alpha(X) needs a number, got x",
        "optimizer.kind=sgd | optimizer.kind must be one of auto, gradient, natural, newton,"
            + " preconditioned, nesterov, adam, got sgd",
        "optimizer.step-rule=none | optimizer.step-rule must be one of backtracking, safe, fixed,"
            + " got none",
        "optimizer.step-size=-1     | optimizer.step-size must be > 0, got -1",
        "optimizer.weights=Row      | optimizer.weights must be one of row, visitation, got Row",
        "optimizer.inner-steps=0    | optimizer.inner-steps must be >= 1, got 0",
        "optimizer.inner-steps=1.5  | optimizer.inner-steps must be a whole number >= 1, got 1.5",
        "optimizer.outer-iterations=3000000000"
            + "| optimizer.outer-iterations must be at most 2147483647, got 3000000000",
        "optimizer.tolerance=-1e-9  | optimizer.tolerance must be >= 0, got -1e-9",
        "optimizer.max-seconds=0    | optimizer.max-seconds must be > 0, got 0",
        "mode=fast                  | mode must be one of practical, faithful, got fast",
        "run.engine=gpu | run.engine must be one of auto, cuda, vector, nd4j, reference, got gpu",
        "run.threads=-1             | run.threads must be >= 0, got -1",
        "run.csv=yes    | run.csv must be one of false, true, got yes",
        "run.memory=6G  | run.memory must be auto or a size such as 6GB or 512MiB, got 6G",
        "run.memory=0GB | run.memory must be auto or a size such as 6GB or 512MiB, got 0GB",
        "run.checkpoint-every=60 | run.checkpoint-every must be a duration such as 500ms, 60s, 5m"
            + " or 1h, got 60",
        "run.metrics-every=0        | run.metrics-every must be >= 1, got 0",
        "problem.discount=0.9 | problem.discount must be 0 for problem.kind bandit, got 0.9",
        "problem.discount=1.5       | problem.discount must be in [0, 1], got 1.5",
        "problem.classes=1          | problem.classes must be >= 2, got 1",
        "problem.classes=64 | problem.classes goes with problem.kind sequence alone, got kind bandit",
        "problem.horizon=-1         | problem.horizon must be >= 0, got -1",
        "problem.exploration=0      | problem.exploration must be in (0, 1], got 0",
        "problem.end-reward=1 | problem.end-reward goes with problem.kind sequence alone, got kind"
            + " bandit",
        "problem.start=even         | problem.start must be one of weights, uniform, got even",
        "problem.prompts=a | problem.import and problem.prompts exclude each other: give one of"
            + " them",
        "problem.prompts=\"\"       | problem.prompts must be a path, got an empty text",
        "problem.tokenizer=\"a | problem.tokenizer: the quotes of \"a do not enclose one value",
        "problem.tokenizer='a' b | problem.tokenizer: the quotes of 'a' b do not enclose one value",
        "objective.lamda=1 | unknown key objective.lamda, the nearest known key is"
            + " objective.lambda",
        "optimizer.lambda=1 | unknown key optimizer.lambda, the nearest known key is"
            + " objective.lambda",
        "lambda=1        | unknown key lambda, the nearest known key is objective.lambda",
        "optimiser=1     | unknown key optimiser, the nearest known key is optimizer",
        "optimizer.clip_epsilon=1 | unknown key optimizer.clip_epsilon, the nearest known key is"
            + " objective.clip-epsilon",
        "compare.divergences=js,jsd | compare.divergences: a divergence must be forward-kl, reverse-kl,"
            + " js, chi2, hellinger2 or alpha(X), got jsd",
        "compare.divergences=js, js | compare.divergences must name each value once, got js twice",
        "compare.frontier-lambdas=1,0 | compare.frontier-lambdas must be > 0, got 0",
        "compare.frontier-lambdas=1,,2 | compare.frontier-lambdas must have a value between commas, got 1,,2",
        "compare.frontier-trained=yes | compare.frontier-trained must be one of false, true, got yes",
        "compare.budget=0 | compare.budget must be > 0, got 0",
        "compare.parallel=0 | compare.parallel must be >= 1, got 0",
        "compare.top=0 | compare.top must be >= 1, got 0",
        "compare.prompt-sample.count=2 | compare.prompt-sample.count needs"
            + " compare.prompt-sample.seeds, got none of it",
        "compare.prompt-sample.seeds=2 | compare.prompt-sample.seeds needs"
            + " compare.prompt-sample.count, got none of it",
        "compare.sweep=objective.lambda | compare.sweep must give a list of values for every key, got"
            + " objective.lambda",
        "compare.sweep=lambda=1 | compare.sweep: unknown key lambda, the nearest known key is"
            + " objective.lambda",
        "compare.sweep=objective.lambda=1;objective.lambda=2 | compare.sweep must name each key"
            + " once, got objective.lambda twice",
        "compare.sweep=objective.lambda=1,1.0 | compare.sweep: objective.lambda must name each value"
            + " once, got 1.0 twice",
        "compare.sweep=objective.lambda= | compare.sweep: objective.lambda must have at least one"
            + " value, got none",
        "compare.sweep=objective.clip-epsilon=0.1,2 | compare.sweep: objective.clip-epsilon must be"
            + " in (0, 1), got 2",
        "compare.prompt-sample=1 | compare.prompt-sample is a section: set one of its keys",
        "objective=1     | objective is a section: set one of its keys",
        "objective.lambda | expected path=value, got objective.lambda",
      })
  void wrongOverrideIsOneLine(String override, String message) {
    if (override.startsWith("problem.prompts=\"\"")) {
      assertRefused(
          SMALLEST,
          List.of(override),
          message + " (--set)",
          "problem.import and problem.prompts exclude each other: give one of them (--set)");
    } else {
      assertRefused(SMALLEST, List.of(override), message + " (--set)");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://user:secret@host:5000",
        "https://secret@host",
        "secret",
        "ftp://host/secret",
        "http:// secret"
      })
  void addressThatMayHoldAPasswordIsRefusedWithoutRepeatingIt(String address) {
    assertThatThrownBy(() -> RunConfig.parse(SMALLEST, "a", "a", List.of("run.mlflow=" + address)))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith("run.mlflow must be an http or https address without user")
        .hasMessageContaining("MLFLOW_TRACKING_PASSWORD")
        .message()
        .doesNotContain("secret")
        .hasLineCount(1);
  }

  @Test
  void mdpIsImportedWholeAndComputedInFloat64() {
    assertRefused(
        "problem: {kind: mdp, prompts: a}",
        List.of("run.engine=vector"),
        "problem.prompts does not go with problem.kind mdp, which is imported whole (a.yaml line 1)",
        "problem.import is missing: problem.kind mdp needs a path (a.yaml)",
        "run.engine must be auto or reference for problem.kind mdp, got vector (--set)");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "objective: {clip-epsilon: 1.2} | objective.clip-epsilon must be in (0, 1), got 1.2",
        "objective: {lambda: [1, 2]}    | objective.lambda must be a number > 0, got a list",
        "objective: {lambda: {a: 1}}    | objective.lambda must be a number > 0, got a mapping",
        "compare: {divergences: [[js]]} | compare.divergences must be a list of single values, got a"
            + " list in it",
        "compare: {divergences: {js: 1}} | compare.divergences must be a list of divergences, got a"
            + " mapping",
        "compare: {divergence: js} | unknown key compare.divergence, the nearest known key is"
            + " compare.divergences",
        "compare: {sweep: {objective.lambda: {a: 1}}} | compare.sweep: objective.lambda must be a"
            + " list of values, got a mapping",
        "compare: {sweep: {objective.lambda: [1], objective.lambda: [2]}} | duplicate key"
            + " objective.lambda in compare.sweep",
        "compare: {sweep: [1]} | compare.sweep must be a mapping of numeric keys and choices to lists"
            + " of values, got a list",
        "compare: {sweep: {objective.lambda: [1]}, budget: 1} | compare.budget needs"
            + " compare.divergences, got none: a sweep alone compares nothing else",
        "compare: {divergences: []} | compare.divergences must be at least one divergence without"
            + " compare.sweep, got none",
        "compare: {prompt-sample: {count: 1, seeds: [1]}} | compare.prompt-sample needs"
            + " problem.prompts and an n-gram model as problem.reference, got none",
        "objective: {lambda: true}      | objective.lambda must be a number > 0, got true",
        "objective: {lambda: }          | objective.lambda must be a number > 0, got nothing",
        "objective: 3                   | objective must be a mapping of keys, got 3",
        "objective: [lambda]            | objective must be a mapping of keys, got a list",
        "objetive: {lambda: 1, a: {b: [2]}} | unknown key objetive, the nearest known key is"
            + " objective",
        "objective: {lamda: [1]} | unknown key objective.lamda, the nearest known key is"
            + " objective.lambda",
        "objective.lambda: 1 | objective.lambda must be written as lambda inside objective",
        "run: {out: [a]}                | run.out must be a path, got a list",
        "objective: {lambda: &x 1, clip-epsilon: *x}"
            + "| objective.clip-epsilon must be a number in (0, 1), got the alias *x",
        "mode: {a: b}       | mode must be one of practical, faithful, got a mapping",
        "objective: {lambda: 1, lambda: 2} | duplicate key objective.lambda, given before on line"
            + " 2",
        "problem: {import: b} | duplicate key problem, given before on line 1",
      })
  void wrongYamlIsOneLineWithItsPlace(String yaml, String message) {
    assertRefused(SMALLEST + yaml, List.of(), message + " (a.yaml line 2)");
  }

  @Test
  void missingPartsOfTheProblemAreNamed() {
    assertRefused(
        "problem: {prompts: a.jsonl, reward: }",
        List.of(),
        "problem.tokenizer is missing: give a tokenizer's name or the path of a tokenizer.json, or"
            + " a whole problem as problem.import (a.yaml)",
        "problem.reference is missing: give a path, or a whole problem as problem.import (a.yaml)",
        "problem.reward is missing: give a path, or a whole problem as problem.import (a.yaml)");
  }

  @Test
  void partGivenInAWrongFormIsNotAlsoCalledMissing() {
    assertRefused(
        "problem: {prompts: [a], tokenizer: t, reference: r, reward: w}",
        List.of(),
        "problem.prompts must be a path, got a list (a.yaml line 1)");
  }

  @Test
  void tokenizerMayAccompanyAnImport() {
    assertThat(
            RunConfig.parse(SMALLEST, "a.yaml", "a", List.of("problem.tokenizer=r50k_base"))
                .problem()
                .tokenizer())
        .contains("r50k_base");
  }

  @Test
  void contradictionsToFaithfulModeNameBothSides() {
    assertRefused(
        SMALLEST + "optimizer:\n  kind: newton\n  weights: visitation\nmode: faithful\n",
        List.of("optimizer.step-rule=safe"),
        "optimizer.kind newton contradicts mode faithful, which means gradient (a.yaml line 3)",
        "optimizer.step-rule safe contradicts mode faithful, which means fixed (--set)");
  }

  @Test
  void allProblemsAreReportedAtOnceInTheOrderOfTheFile() {
    assertRefused(
        """
        objective:
          lambda: -1
          lamda: 3
          clip-epsilon: 2
        problem:
          prompts: a.jsonl
          tokenizer: r50k_base
          reward: b
        run:
          threads: many
          threads: 1
        """,
        List.of("optimizer.inner-steps=0", "objective.clip-epsilon=0.3"),
        "objective.lambda must be > 0, got -1 (a.yaml line 2)",
        "unknown key objective.lamda, the nearest known key is objective.lambda (a.yaml line 3)",
        "run.threads must be a whole number >= 0, got many (a.yaml line 10)",
        "duplicate key run.threads, given before on line 10 (a.yaml line 11)",
        "optimizer.inner-steps must be >= 1, got 0 (--set)",
        "problem.reference is missing: give a path, or a whole problem as problem.import (a.yaml)");
  }

  @Test
  void valueOfSeveralLinesIsReportedInOne() {
    assertRefused(
        SMALLEST + "objective:\n  lambda: |\n    1\n    2\n",
        List.of(),
        "objective.lambda must be a number > 0, got 1 2  (a.yaml line 3)");
  }

  private static Stream<Arguments> brokenYaml() {
    return Stream.of(
        Arguments.of("problem: {import: a\nmode: practical", 2),
        Arguments.of("problem:\n\timport: a", 2),
        Arguments.of("mode: 'practical", 1),
        Arguments.of("problem:\n  import: a\nb\n", 4));
  }

  @ParameterizedTest
  @MethodSource("brokenYaml")
  void brokenYamlIsOneLineWithItsPlace(String yaml, int line) {
    assertThatThrownBy(() -> RunConfig.parse(yaml, "a.yaml", "a", List.of()))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith("a.yaml line %d: not YAML: ".formatted(line))
        .message()
        .hasLineCount(1);
  }

  @Test
  void characterThatYamlForbidsIsRefusedInOneLine() {
    assertThatThrownBy(() -> RunConfig.parse("mode: \u0001", "a.yaml", "a", List.of()))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith("a.yaml")
        .hasMessageContaining("not YAML: ")
        .message()
        .hasLineCount(1);
  }

  @Test
  void otherDocumentsThanOneMappingAreRefused() {
    assertThatThrownBy(() -> RunConfig.parse("- a", "a.yaml", "a", List.of("problem.import=p")))
        .isInstanceOf(InputException.class)
        .hasMessage("expected a mapping of keys, got a list (a.yaml line 1)");
    assertRefused(
        SMALLEST + "---\nmode: practical\n",
        List.of(),
        "expected one YAML document, got a second one (a.yaml line 3)");
  }

  @Test
  void referenceDescribesEveryKeyOnce() {
    assertThat(ConfigReference.entries())
        .extracting(ConfigReference.Entry::key)
        .doesNotHaveDuplicates()
        .contains("objective.lambda", "mode", "run.out");
    assertThat(ConfigReference.entries())
        .contains(
            new ConfigReference.Entry(
                "objective.clip-epsilon",
                "a number",
                "0.2",
                "in (0, 1)",
                "The surrogate is clipped where the ratio leaves [1 - epsilon, 1 + epsilon]."));
  }
}
