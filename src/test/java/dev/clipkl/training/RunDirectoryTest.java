package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.TensorType;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a run leaves in its folder, and who may use that folder. */
class RunDirectoryTest {
  private static final long SEED = 4;

  @TempDir Path folder;

  @Test
  void finishedRunHoldsItsConfigurationResultMetricsAndPolicyOnly() {
    Path run = train();
    assertThat(RunFiles.content(run).keySet().stream().map(RunDirectoryTest::withoutTimeAndHost))
        .containsExactlyInAnyOrder(
            "",
            "config.yaml",
            "run.json",
            "metrics.jsonl",
            "events.out.tfevents",
            "policy.safetensors",
            "run.lock");
    assertThat(RunConfig.read(run.resolve("config.yaml"), List.of())).isEqualTo(config(run));
  }

  private static String withoutTimeAndHost(String name) {
    return name.replaceFirst("^(events\\.out\\.tfevents)\\.\\d{10,}\\..+", "$1");
  }

  @Test
  void descriptionSaysWhatRanAndHowItEnded() {
    Path run = train();
    JsonNode description = RunFiles.json(run.resolve("run.json"));
    assertThat(description.path("status").textValue()).isEqualTo("finished");
    assertThat(description.path("stop_reason").textValue())
        .isEqualTo(StopReason.ITERATIONS.sentence());
    assertThat(description.path("outer_iterations").intValue()).isEqualTo(20);
    assertThat(description.path("states").intValue()).isEqualTo(5);
    assertThat(description.path("actions").intValue()).isEqualTo(300);
    assertThat(description.path("optimizer").textValue()).isEqualTo("natural");
    assertThat(description.path("engine").textValue()).startsWith("vector");
    assertThat(description.path("engine_reason").textValue()).isEqualTo("asked for by name");
    assertThat(description.path("training_seconds").doubleValue()).isPositive();
    for (String key : List.of("clipkl", "java", "system", "session_started")) {
      assertThat(description.path(key).textValue()).as(key).isNotBlank();
    }
    try (SafetensorsFile policy = SafetensorsFile.open(run.resolve("policy.safetensors"))) {
      assertThat(policy.metadata())
          .containsEntry("problem_fingerprint", description.path("problem_fingerprint").textValue())
          .containsEntry("outer_iteration", "20")
          .containsEntry("divergence", "reverse-kl")
          .containsEntry("lambda", "0.2");
    }
    JsonNode last = RunFiles.metrics(run).getLast();
    assertThat(description.path("metrics").path(MetricNames.GAP))
        .isEqualTo(last.get(MetricNames.GAP));
  }

  @Test
  void descriptionSaysWhereTheTimeWent() {
    long start = System.nanoTime();
    JsonNode description = RunFiles.json(train().resolve("run.json"));
    double wall = 1e-9 * (System.nanoTime() - start);
    JsonNode seconds = description.path("phase_seconds");
    assertThat(seconds.fieldNames())
        .toIterable()
        .containsExactly(
            "total",
            "loading",
            "optima",
            "row_programs",
            "values",
            "metrics",
            "checkpoints",
            "writing",
            "other");
    double sum = 0.0;
    for (Phase phase : Phase.values()) {
      sum += number(seconds, phase.key());
    }
    double total = number(seconds, "total");
    assertThat(sum).isCloseTo(total, within(1e-9));
    assertThat(total)
        .isBetween(
            number(description, "training_seconds")
                + number(seconds, "loading")
                + number(seconds, "optima"),
            wall);
    for (String phase : List.of("loading", "optima", "row_programs", "metrics", "writing")) {
      assertThat(number(seconds, phase)).as(phase).isPositive();
    }
  }

  @Test
  void configurationOfARunNamesItsFilesWhateverTheWorkingDirectory() {
    Path run = folder.resolve("relative");
    Path tokenizer = RunFiles.write(folder.resolve("tokenizer.json"), "{}");
    Path relative = Path.of("").toAbsolutePath().relativize(folder);
    List<String> settings =
        List.of(
            "problem.import=" + relative.resolve("bandit.safetensors"),
            "problem.tokenizer=" + relative.resolve("tokenizer.json"));
    TrainingRun.start(config(relative.resolve("relative"), settings), new TrainingListener() {});
    RunConfig stored = RunConfig.read(run.resolve("config.yaml"), List.of());
    assertThat(stored.problem().importFile().orElseThrow())
        .isAbsolute()
        .hasSameBinaryContentAs(folder.resolve("bandit.safetensors"));
    assertThat(Path.of(stored.problem().tokenizer().orElseThrow()).normalize())
        .isEqualTo(tokenizer);
    assertThat(stored.run().out().normalize()).isEqualTo(run);
  }

  @Test
  void configurationOfARunNamesABuiltInTokenizerByItsName() {
    Path run = folder.resolve("named");
    TrainingRun.start(
        config(run, List.of("problem.tokenizer=r50k_base")), new TrainingListener() {});
    assertThat(RunConfig.read(run.resolve("config.yaml"), List.of()).problem().tokenizer())
        .contains("r50k_base");
  }

  @Test
  void everyLineHasEveryMetricOnceAndInOrder() throws IllegalAccessException {
    List<String> names = new ArrayList<>(List.of("outer_iteration"));
    for (Field field : MetricNames.class.getDeclaredFields()) {
      if (Modifier.isPublic(field.getModifiers())) {
        names.add((String) field.get(null));
      }
    }
    List<JsonNode> lines = RunFiles.metrics(train());
    assertThat(lines).hasSize(21);
    for (int n = 0; n < lines.size(); n++) {
      assertThat(lines.get(n).fieldNames()).toIterable().containsExactlyElementsOf(names);
      assertThat(lines.get(n).path("outer_iteration").intValue()).isEqualTo(n);
    }
  }

  @Test
  void firstLineIsTheReferenceBeforeAnyStep() {
    Path run = train();
    BanditFile bandit = bandit();
    double value = 0.0;
    for (int s = 0; s < 5; s++) {
      for (int a = 0; a < 300; a++) {
        value += 0.2 * Math.exp(bandit.logReference()[s][a]) * bandit.rewards()[s][a];
      }
    }
    JsonNode first = RunFiles.metrics(run).getFirst();
    assertThat(number(first, MetricNames.REWARD)).isCloseTo(value, within(1e-6));
    assertThat(number(first, MetricNames.VALUE)).isCloseTo(value, within(1e-6));
    for (String zero :
        List.of(
            MetricNames.DIVERGENCE,
            MetricNames.KL_POLICY_TO_REFERENCE,
            MetricNames.KL_REFERENCE_TO_POLICY)) {
      assertThat(number(first, zero)).as(zero).isCloseTo(0.0, within(1e-6));
    }
    assertThat(first.get(MetricNames.RATE_MEASURED).isNull()).isTrue();
  }

  @Test
  void gapIsTheOptimumLessTheValueOnEveryLine() {
    for (JsonNode line : RunFiles.metrics(train())) {
      assertThat(number(line, MetricNames.GAP))
          .as("outer iteration %s", line.get("outer_iteration"))
          .isCloseTo(
              number(line, MetricNames.OPTIMUM) - number(line, MetricNames.VALUE), within(1e-6));
    }
  }

  @Test
  void metricsEveryThinsTheLines() {
    Path run = folder.resolve("thin");
    TrainingRun.start(config(run, List.of("run.metrics-every=8")), new TrainingListener() {});
    assertThat(RunFiles.metrics(run))
        .extracting(line -> line.path("outer_iteration").intValue())
        .containsExactly(0, 8, 16);
  }

  @ParameterizedTest
  @ValueSource(strings = {"run.lock", ".config.yaml.0123456789abcdef.tmp"})
  void folderOfAnAttemptThatWasKilledAtOnceIsAsGoodAsEmpty(String leftover) {
    Path run = folder.resolve("attempt");
    assertThat(run.toFile().mkdir()).isTrue();
    RunFiles.write(run.resolve(leftover), "");
    TrainingRun.start(config(run), new TrainingListener() {});
    assertThat(run.resolve("policy.safetensors")).exists();
    assertThat(run.resolve(".config.yaml.0123456789abcdef.tmp")).doesNotExist();
  }

  @Test
  void folderIsHeldByOneRunAtATime() {
    Path run = folder.resolve("held");
    String refusal = "in use by process " + ProcessHandle.current().pid();
    try (RunDirectory held = RunDirectory.create(run, "mode: practical\n")) {
      assertThatThrownBy(() -> RunDirectory.resume(held.path()))
          .isInstanceOf(InputException.class)
          .hasMessageContaining(refusal);
    }
    RunDirectory.resume(run).close();
  }

  @Test
  void stepThatLeavesNoFinitePolicyIsAnErrorAndWritesNone() {
    Path run = folder.resolve("diverging");
    List<String> settings =
        List.of("optimizer.step-rule=fixed", "optimizer.step-size=1e38", "run.checkpoint-every=0s");
    assertThatThrownBy(() -> TrainingRun.start(config(run, settings), new TrainingListener() {}))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("optimizer.step-size 1.0E38 is too large for step-rule fixed")
        .hasMessageContaining("after outer iteration 1 ")
        .hasMessageEndingWith("lower it or use step-rule backtracking or safe");
    assertThat(run.resolve("policy.safetensors")).doesNotExist();
    assertThat(run.resolve("checkpoint")).doesNotExist();
  }

  @Test
  void faithfulRunThatLeavesNoFinitePolicyIsToldOfNoRuleThatItsModeRefuses() {
    Path run = folder.resolve("diverging");
    List<String> settings = List.of("mode=faithful", "optimizer.step-size=1e300");
    assertThatThrownBy(() -> TrainingRun.start(config(run, settings), new TrainingListener() {}))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("optimizer.step-size 1.0E300 is too large for step-rule fixed")
        .hasMessageEndingWith("lower it or use mode practical");
  }

  private Path train() {
    Path run = folder.resolve("run");
    TrainingRun.start(config(run), new TrainingListener() {});
    return run;
  }

  private RunConfig config(Path run) {
    return config(run, List.of());
  }

  private RunConfig config(Path run, List<String> settings) {
    List<String> all =
        new ArrayList<>(
            Arrays.asList(
                "run.engine=vector",
                "objective.lambda=0.2",
                "optimizer.outer-iterations=20",
                "optimizer.tolerance=0"));
    all.addAll(settings);
    return RunConfig.parse("problem: {import: %s}".formatted(bandit().path()), "test", "test", all)
        .withOut(run);
  }

  private BanditFile bandit() {
    return BanditFile.write(folder.resolve("bandit.safetensors"), 5, 300, TensorType.F32, SEED);
  }

  private static double number(JsonNode line, String name) {
    return line.get(name).doubleValue();
  }
}
