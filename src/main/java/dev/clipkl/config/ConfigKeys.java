package dev.clipkl.config;

import dev.clipkl.config.ConfigKey.Form;
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
              Form.TEXT,
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
              Form.TEXT,
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
              Form.TEXT,
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
              Form.TEXT,
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
      choice(
          "run.tensorboard",
          ValueTexts.switches(),
          true,
          "Whether the metrics are also written as a TensorBoard event file.",
          config -> config.run().trackers().tensorBoard());
  static final ConfigKey<Boolean> CSV =
      choice(
          "run.csv",
          ValueTexts.switches(),
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
              Form.TEXT,
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
              Form.TEXT,
              "The run directory.",
              ValueTexts::path,
              Path::toString,
              config -> Optional.of(config.run().out())));

  static final ConfigKey<List<Divergence>> COMPARED =
      list(
          "compare.divergences",
          "a list of divergences",
          "",
          null,
          "forward-kl, reverse-kl; none with compare.sweep",
          Form.TEXTS,
          "What compare trains at one lambda, and at one budget of either KL.",
          ValueTexts::divergence,
          Divergence::name,
          config -> config.compare().divergences());
  static final ConfigKey<Double> BUDGET =
      number(
          "compare.budget",
          null,
          "> 0",
          x -> x > 0,
          "Nats of KL that the exact optima share; without it those of the first divergence's.",
          config -> config.compare().budget());
  static final ConfigKey<List<Double>> FRONTIER_LAMBDAS =
      list(
          "compare.frontier-lambdas",
          "a list of numbers",
          "> 0",
          List.of(),
          NO_DEFAULT,
          Form.NUMBERS,
          "Where on the way from reward to divergence exact optima are put into a table.",
          ValueTexts.number("> 0", x -> x > 0),
          value -> Double.toString(value),
          config -> config.compare().frontierLambdas());
  static final ConfigKey<Boolean> FRONTIER_TRAINED =
      choice(
          "compare.frontier-trained",
          ValueTexts.switches(),
          false,
          "Whether a policy is trained at each of them, too.",
          config -> config.compare().frontierTrained());
  static final ConfigKey<Map<String, List<String>>> SWEEP =
      add(
          new ConfigKey<>(
              "compare.sweep",
              "a mapping of numeric keys and choices to lists of values",
              "",
              Map.of(),
              NO_DEFAULT,
              Form.LISTS_BY_KEY,
              "One run for each combination of these values.",
              SweepTexts::parse,
              SweepTexts::write,
              config -> Optional.of(config.compare().sweep())));
  static final ConfigKey<Integer> PROMPT_COUNT =
      whole(
          "compare.prompt-sample.count",
          0,
          0,
          "Prompts of a random subset on which the sweep is repeated; 0: all prompts, once.",
          config -> config.compare().promptCount());
  static final ConfigKey<List<Integer>> PROMPT_SEEDS =
      list(
          "compare.prompt-sample.seeds",
          "a list of whole numbers",
          ">= 0",
          List.of(),
          NO_DEFAULT,
          Form.NUMBERS,
          "A random subset for each of these.",
          ValueTexts.whole(">= 0", 0),
          value -> Integer.toString(value),
          config -> config.compare().promptSeeds());
  static final ConfigKey<Integer> PARALLEL =
      whole(
          "compare.parallel",
          1,
          1,
          "Runs at a time, which share threads and memory. Results do not depend on it.",
          config -> config.compare().parallel());
  static final ConfigKey<Integer> TOP =
      whole(
          "compare.top",
          10,
          1,
          "How many of each row's most probable tokens are held against one another.",
          config -> config.compare().top());

  /** What {@link #SWEEP} takes: keys that change results and are numbers or choices. */
  static final List<ConfigKey<?>> SWEEPABLE =
      List.of(
          DISCOUNT,
          CLASSES,
          HORIZON,
          EXPLORATION,
          END_REWARD,
          START,
          STORAGE,
          DIVERGENCE,
          LAMBDA,
          CLIP_EPSILON,
          OPTIMIZER_KIND,
          STEP_RULE,
          STEP_SIZE,
          WEIGHTS,
          INNER_STEPS,
          OUTER_ITERATIONS,
          TOLERANCE,
          ENGINE);

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
            Form.TEXT,
            meaning,
            ValueTexts.choice(type, values),
            writer,
            config -> Optional.of(getter.apply(config))));
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
            Form.NUMBER,
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
            Form.NUMBER,
            meaning,
            ValueTexts.whole(range, least),
            value -> Integer.toString(value),
            config -> Optional.of(getter.apply(config))));
  }

  private static <T> ConfigKey<List<T>> list(
      String path,
      String type,
      String range,
      @Nullable List<T> defaultValue,
      String defaultText,
      Form form,
      String meaning,
      ConfigKey.Parser<T> parser,
      Function<T, String> writer,
      Function<RunConfig, List<T>> getter) {
    return add(
        new ConfigKey<>(
            path,
            type,
            range,
            defaultValue,
            defaultText,
            form,
            meaning,
            ValueTexts.list(parser),
            values -> ValueTexts.join(values.stream().map(writer).toList()),
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
            Form.TEXT,
            meaning,
            ValueTexts::path,
            Path::toString,
            getter));
  }
}
