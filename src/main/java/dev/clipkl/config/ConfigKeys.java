package dev.clipkl.config;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.RowTable.Precision;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoublePredicate;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** The one table of all configuration keys, in the order in which they are documented. */
final class ConfigKeys {
  private static final String NO_DEFAULT = "none";

  private static final List<ConfigKey<?>> KEYS = new ArrayList<>();

  static final ConfigKey<ProblemKind> PROBLEM_KIND =
      choice(
          "problem.kind",
          ProblemKind.values(),
          ProblemKind.BANDIT,
          "What the states are: prompts (bandit), contexts (sequence) or given states (mdp).",
          config -> config.problem().kind());
  static final ConfigKey<Path> PROMPTS =
      path(
          "problem.prompts",
          "The prompts, JSONL: one {\"prompt\": ..., \"weight\": ...} a line.",
          config -> config.problem().prompts());
  static final ConfigKey<String> TOKENIZER =
      add(
          new ConfigKey<>(
              "problem.tokenizer",
              "a tokenizer's name or the path of a tokenizer.json",
              "",
              null,
              NO_DEFAULT,
              false,
              "What the actions are: the tokens of r50k_base, cl100k_base, o200k_base or a file.",
              text -> text,
              text -> text,
              config -> config.problem().tokenizer()));
  static final ConfigKey<Path> REFERENCE =
      path(
          "problem.reference",
          "The reference policy, one row per prompt, as reference build or import wrote it.",
          config -> config.problem().reference());
  static final ConfigKey<Path> REWARD =
      path(
          "problem.reward",
          "The reward of every token: a fitted model, a lexicon or a dense table.",
          config -> config.problem().reward());
  static final ConfigKey<Path> IMPORT =
      path(
          "problem.import",
          "A whole problem as safetensors, instead of prompts, reference and reward.",
          config -> config.problem().importFile());
  static final ConfigKey<Double> DISCOUNT =
      number(
          "problem.discount",
          0.0,
          "in [0, 1]",
          x -> x >= 0 && x <= 1,
          "The discount factor: a bandit has 0, only a horizon allows 1.",
          config -> Optional.of(config.problem().discount()));
  static final ConfigKey<Integer> CLASSES =
      whole(
          "problem.classes",
          512,
          2,
          "Context classes of a sequence problem; the most frequent tokens have one each.",
          config -> config.problem().contexts().classes());
  static final ConfigKey<Integer> HORIZON =
      whole(
          "problem.horizon",
          0,
          0,
          "Most tokens of a sequence, with rows for every number that is left; 0: no limit.",
          config -> config.problem().contexts().horizon());
  static final ConfigKey<Double> EXPLORATION =
      number(
          "problem.exploration",
          0.05,
          "in (0, 1]",
          x -> x > 0 && x <= 1,
          "The share of a sequence's start distribution that is spread evenly over all classes.",
          config -> Optional.of(config.problem().contexts().exploration()));
  static final ConfigKey<Double> END_REWARD =
      number(
          "problem.end-reward",
          0.0,
          "finite",
          Double::isFinite,
          "What ending a sequence is worth, added to the reward of the end-of-text token.",
          config -> Optional.of(config.problem().contexts().endReward()));
  static final ConfigKey<StartDistribution> START =
      choice(
          "problem.start",
          StartDistribution.values(),
          StartDistribution.WEIGHTS,
          "How averages weigh the states: by the prompts' weights or all alike.",
          config -> config.problem().start());
  static final ConfigKey<Precision> STORAGE =
      choice(
          "problem.storage",
          ValueTexts.storages(),
          Precision.FLOAT32,
          "How a bandit's reference and reward tables are stored; the problem is the rounded one.",
          config -> config.problem().storage());

  static final ConfigKey<Divergence> DIVERGENCE =
      add(
          new ConfigKey<>(
              "objective.divergence",
              "forward-kl, reverse-kl, js, chi2, hellinger2 or alpha(X)",
              "",
              new ReverseKl(),
              new ReverseKl().name(),
              false,
              "The divergence that keeps the policy near the reference.",
              ValueTexts::divergence,
              Divergence::name,
              config -> Optional.of(config.objective().divergence())));
  static final ConfigKey<Double> LAMBDA =
      number(
          "objective.lambda",
          0.1,
          "> 0",
          x -> x > 0,
          "The divergence's weight against the reward.",
          config -> Optional.of(config.objective().lambda()));
  static final ConfigKey<Double> CLIP_EPSILON =
      number(
          "objective.clip-epsilon",
          0.2,
          "in (0, 1)",
          x -> x > 0 && x < 1,
          "The surrogate is clipped where the ratio leaves [1 - epsilon, 1 + epsilon].",
          config -> Optional.of(config.objective().clipEpsilon()));

  static final ConfigKey<Optional<OptimizerKind>> OPTIMIZER_KIND =
      choice(
          "optimizer.kind",
          ValueTexts.optimizers(),
          Optional.empty(),
          "The direction of a step; auto takes the best one for the divergence.",
          config -> config.optimizer().kind());
  static final ConfigKey<StepRuleKind> STEP_RULE =
      choice(
          "optimizer.step-rule",
          StepRuleKind.values(),
          StepRuleKind.BACKTRACKING,
          "How long a step is: certified by trial, bounded by the clip without trial, or constant.",
          config -> config.optimizer().stepRule());
  static final ConfigKey<Double> STEP_SIZE =
      number(
          "optimizer.step-size",
          1.0,
          "> 0",
          x -> x > 0,
          "The step, in units of the optimizer's unit step.",
          config -> Optional.of(config.optimizer().stepSize()));
  static final ConfigKey<WeightKind> WEIGHTS =
      choice(
          "optimizer.weights",
          WeightKind.values(),
          WeightKind.ROW,
          "The factor on a state's step: 1 (row) or the state's visitation.",
          config -> config.optimizer().weights());
  static final ConfigKey<Integer> INNER_STEPS =
      whole(
          "optimizer.inner-steps",
          4,
          1,
          "Steps on the surrogate per outer iteration.",
          config -> config.optimizer().innerSteps());
  static final ConfigKey<Integer> OUTER_ITERATIONS =
      whole(
          "optimizer.outer-iterations",
          200,
          1,
          "Outer iterations at which the run stops at the latest.",
          config -> config.optimizer().outerIterations());
  static final ConfigKey<Double> TOLERANCE =
      number(
          "optimizer.tolerance",
          1e-6,
          ">= 0",
          x -> x >= 0,
          "The exact mean gap to the optimum at which the run stops.",
          config -> Optional.of(config.optimizer().tolerance()));
  static final ConfigKey<Double> MAX_SECONDS =
      number(
          "optimizer.max-seconds",
          null,
          "> 0",
          x -> x > 0,
          "Seconds of training after which the run stops.",
          config -> config.optimizer().maxSeconds());

  static final ConfigKey<Mode> MODE =
      choice(
          "mode",
          Mode.values(),
          Mode.PRACTICAL,
          "faithful means optimizer.kind gradient, step-rule fixed and weights visitation.",
          RunConfig::mode);

  static final ConfigKey<EngineChoice> ENGINE =
      choice(
          "run.engine",
          EngineChoice.values(),
          EngineChoice.AUTO,
          "What executes the run; auto takes a GPU that holds the tables, else vector.",
          config -> config.run().engine());
  static final ConfigKey<Integer> THREADS =
      whole(
          "run.threads",
          0,
          0,
          "CPU threads; 0 takes all cores. Results do not depend on it.",
          config -> config.run().threads());
  static final ConfigKey<String> MEMORY =
      add(
          new ConfigKey<>(
              "run.memory",
              "auto or a size such as 6GB or 512MiB",
              "",
              MemoryBudget.AUTO,
              MemoryBudget.AUTO,
              false,
              "The memory the run may use; auto takes what is available.",
              ValueTexts::memory,
              text -> text,
              config -> Optional.of(config.run().memory())));
  static final ConfigKey<Duration> CHECKPOINT_EVERY =
      add(
          new ConfigKey<>(
              "run.checkpoint-every",
              "a duration such as 500ms, 60s, 5m or 1h",
              "",
              Duration.ofSeconds(60),
              ValueTexts.write(Duration.ofSeconds(60)),
              false,
              "The time between checkpoints, at least one block of outer iterations; 0s: after each block.",
              ValueTexts::duration,
              ValueTexts::write,
              config -> Optional.of(config.run().checkpointEvery())));
  static final ConfigKey<Integer> METRICS_EVERY =
      whole(
          "run.metrics-every",
          1,
          1,
          "Outer iterations between two lines of metrics.",
          config -> config.run().metricsEvery());
  static final ConfigKey<Boolean> TENSORBOARD =
      flag(
          "run.tensorboard",
          true,
          "Whether the metrics are also written as a TensorBoard event file.",
          config -> config.run().trackers().tensorBoard());
  static final ConfigKey<Boolean> CSV =
      flag(
          "run.csv",
          false,
          "Whether the metrics are also written as metrics.csv.",
          config -> config.run().trackers().csv());
  static final ConfigKey<URI> MLFLOW =
      add(
          new ConfigKey<>(
              "run.mlflow",
              ValueTexts.SERVER,
              "",
              null,
              NO_DEFAULT,
              false,
              "The MLflow tracking server that the run is sent to.",
              ValueTexts::server,
              URI::toString,
              config -> config.run().trackers().mlflow()));
  static final ConfigKey<Path> OUT =
      add(
          new ConfigKey<>(
              "run.out",
              "a path",
              "",
              null,
              "runs/NAME, with NAME the configuration file's without its ending",
              false,
              "The run directory.",
              ValueTexts::path,
              Path::toString,
              config -> Optional.of(config.run().out())));

  /** All keys. */
  static final List<ConfigKey<?>> ALL = Collections.unmodifiableList(KEYS);

  private ConfigKeys() {}

  private static <T> ConfigKey<T> add(ConfigKey<T> key) {
    KEYS.add(key);
    return key;
  }

  private static <E extends Enum<E>> ConfigKey<E> choice(
      String path, E[] values, E defaultValue, String meaning, Function<RunConfig, E> getter) {
    return choice(path, ValueTexts.names(values), defaultValue, meaning, getter);
  }

  private static <T> ConfigKey<T> choice(
      String path,
      Map<String, T> values,
      T defaultValue,
      String meaning,
      Function<RunConfig, T> getter) {
    String type = "one of " + String.join(", ", values.keySet());
    Function<T, String> writer = ValueTexts.writer(values);
    return add(
        new ConfigKey<>(
            path,
            type,
            "",
            defaultValue,
            writer.apply(defaultValue),
            false,
            meaning,
            ValueTexts.choice(type, values),
            writer,
            config -> Optional.of(getter.apply(config))));
  }

  private static ConfigKey<Boolean> flag(
      String path, boolean defaultValue, String meaning, Predicate<RunConfig> getter) {
    String type = "true or false";
    return add(
        new ConfigKey<>(
            path,
            type,
            "",
            defaultValue,
            Boolean.toString(defaultValue),
            true,
            meaning,
            ValueTexts.choice(type, Map.of("true", true, "false", false)),
            value -> Boolean.toString(value),
            config -> Optional.of(getter.test(config))));
  }

  private static ConfigKey<Double> number(
      String path,
      @Nullable Double defaultValue,
      String range,
      DoublePredicate allowed,
      String meaning,
      Function<RunConfig, Optional<Double>> getter) {
    return add(
        new ConfigKey<>(
            path,
            "a number",
            range,
            defaultValue,
            defaultValue == null ? NO_DEFAULT : defaultValue.toString(),
            true,
            meaning,
            ValueTexts.number(range, allowed),
            value -> Double.toString(value),
            getter));
  }

  private static ConfigKey<Integer> whole(
      String path,
      int defaultValue,
      int least,
      String meaning,
      Function<RunConfig, Integer> getter) {
    String range = ">= " + least;
    return add(
        new ConfigKey<>(
            path,
            "a whole number",
            range,
            defaultValue,
            Integer.toString(defaultValue),
            true,
            meaning,
            ValueTexts.whole(range, least),
            value -> Integer.toString(value),
            config -> Optional.of(getter.apply(config))));
  }

  private static ConfigKey<Path> path(
      String path, String meaning, Function<RunConfig, Optional<Path>> getter) {
    return add(
        new ConfigKey<>(
            path,
            "a path",
            "",
            null,
            NO_DEFAULT,
            false,
            meaning,
            ValueTexts::path,
            Path::toString,
            getter));
  }
}
