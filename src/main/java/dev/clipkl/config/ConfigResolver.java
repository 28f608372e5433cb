package dev.clipkl.config;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.table.RowTable.Precision;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Turns the settings given into a configuration: parses, fills in defaults, checks one with
 * another.
 */
final class ConfigResolver {
  /** What a problem is made of when it is not imported whole. */
  private static final List<ConfigKey<?>> PARTS =
      List.of(ConfigKeys.PROMPTS, ConfigKeys.TOKENIZER, ConfigKeys.REFERENCE, ConfigKeys.REWARD);

  private static final List<ConfigKey<?>> SEQUENCE_KEYS =
      List.of(
          ConfigKeys.CLASSES, ConfigKeys.HORIZON, ConfigKeys.EXPLORATION, ConfigKeys.END_REWARD);

  private final String source;
  private final String name;
  private final ConfigProblems problems = new ConfigProblems();
  private final Map<String, Setting> settings;

  /** Values of the keys that were given, well-formed, or that the mode stands for. */
  private final Map<ConfigKey<?>, Object> values = new LinkedHashMap<>();

  private ConfigResolver(String yaml, String source, String name, List<String> overrides) {
    this.source = source;
    this.name = name;
    settings = ConfigReader.read(source, yaml, overrides, problems);
  }

  static RunConfig resolve(String yaml, String source, String name, List<String> overrides) {
    return new ConfigResolver(yaml, source, name, overrides).resolve();
  }

  private RunConfig resolve() {
    for (ConfigKey<?> key : ConfigKeys.ALL) {
      Setting setting = settings.get(key.path());
      if (setting != null) {
        readValue(key, setting);
      }
    }
    checkProblem();
    checkCompare();
    applyMode();
    problems.throwIfAny();
    return new RunConfig(
        problem(), objective(), optimizer(), get(ConfigKeys.MODE), run(), compare());
  }

  private void readValue(ConfigKey<?> key, Setting setting) {
    if (setting.text() == null) {
      if (setting.isGiven() || key.defaultValue() != null) {
        String got = setting.structure() == null ? "nothing" : setting.structure();
        problem(setting, "%s must be %s, got %s".formatted(key.path(), key.expected(), got));
      }
      return;
    }
    try {
      values.put(key, key.parser().parse(setting.text()));
    } catch (WrongValue e) {
      problem(setting, key.path() + e.getMessage());
    }
  }

  private void checkProblem() {
    ProblemKind kind = get(ConfigKeys.PROBLEM_KIND);
    switch (kind) {
      case BANDIT -> checkBandit();
      case MDP -> checkMdp();
      case SEQUENCE -> checkSequence();
    }
    if (kind != ProblemKind.SEQUENCE) {
      for (ConfigKey<?> key : SEQUENCE_KEYS) {
        if (!get(key).equals(key.defaultValue())) {
          problem(
              setting(key),
              "%s goes with problem.kind sequence alone, got kind %s"
                  .formatted(key.path(), ConfigKeys.PROBLEM_KIND.writer().apply(kind)));
        }
      }
    }
  }

  private void checkSequence() {
    checkParts();
    if (get(ConfigKeys.DISCOUNT) == 1 && get(ConfigKeys.HORIZON) == 0) {
      problem(
          setting(ConfigKeys.DISCOUNT),
          "problem.discount must be below 1 without problem.horizon, got "
              + setting(ConfigKeys.DISCOUNT).text());
    }
    if (isGiven(ConfigKeys.IMPORT)
        && !get(ConfigKeys.CLASSES).equals(ConfigKeys.CLASSES.defaultValue())) {
      problem(
          setting(ConfigKeys.CLASSES),
          "problem.classes does not go with problem.import, whose class_map says them");
    }
  }

  private void checkBandit() {
    if (get(ConfigKeys.DISCOUNT) != 0) {
      problem(
          setting(ConfigKeys.DISCOUNT),
          "problem.discount must be 0 for problem.kind bandit, got "
              + setting(ConfigKeys.DISCOUNT).text());
    }
    checkParts();
  }

  private void checkParts() {
    boolean imported = isGiven(ConfigKeys.IMPORT);
    for (ConfigKey<?> part : PARTS) {
      // With an import a tokenizer is welcome: it shows the actions as text.
      if (imported && !part.equals(ConfigKeys.TOKENIZER) && isGiven(part)) {
        problem(
            setting(part),
            "problem.import and %s exclude each other: give one of them".formatted(part.path()));
      } else if (!imported && !isGiven(part)) {
        problems.add(
            ConfigProblems.NO_LINE,
            source,
            "%s is missing: give %s, or a whole problem as problem.import"
                .formatted(part.path(), part.expected()));
      }
    }
  }

  /** An MDP comes whole, and is computed in float64. */
  private void checkMdp() {
    if (get(ConfigKeys.DISCOUNT) == 1) {
      problem(
          setting(ConfigKeys.DISCOUNT),
          "problem.discount must be below 1 for problem.kind mdp, got "
              + setting(ConfigKeys.DISCOUNT).text());
    }
    if (!isGiven(ConfigKeys.IMPORT)) {
      problems.add(
          ConfigProblems.NO_LINE,
          source,
          "problem.import is missing: problem.kind mdp needs %s"
              .formatted(ConfigKeys.IMPORT.expected()));
    }
    for (ConfigKey<?> part : PARTS) {
      if (isGiven(part)) {
        problem(
            setting(part),
            "%s does not go with problem.kind mdp, which is imported whole".formatted(part.path()));
      }
    }
    if (get(ConfigKeys.STORAGE) != Precision.FLOAT32) {
      problem(
          setting(ConfigKeys.STORAGE),
          "problem.storage %s does not go with problem.kind mdp, whose tables are float64"
              .formatted(setting(ConfigKeys.STORAGE).text()));
    }
    EngineChoice engine = get(ConfigKeys.ENGINE);
    if (engine != EngineChoice.AUTO && engine != EngineChoice.REFERENCE) {
      problem(
          setting(ConfigKeys.ENGINE),
          "run.engine must be auto or reference for problem.kind mdp, got "
              + setting(ConfigKeys.ENGINE).text());
    }
  }

  private void checkCompare() {
    checkPromptSample();
    boolean sweeps = !get(ConfigKeys.SWEEP).isEmpty() || get(ConfigKeys.PROMPT_COUNT) > 0;
    boolean compares = find(ConfigKeys.COMPARED).map(given -> !given.isEmpty()).orElse(!sweeps);
    if (compares) {
      return;
    }
    if (find(ConfigKeys.BUDGET).isPresent()) {
      needsDivergences(ConfigKeys.BUDGET);
    }
    if (!get(ConfigKeys.FRONTIER_LAMBDAS).isEmpty()) {
      needsDivergences(ConfigKeys.FRONTIER_LAMBDAS);
    }
    if (!sweeps) {
      problem(
          setting(ConfigKeys.COMPARED),
          "compare.divergences must be at least one divergence without compare.sweep, got none");
    }
  }

  private void needsDivergences(ConfigKey<?> key) {
    problem(
        setting(key),
        "%s needs compare.divergences, got none: a sweep alone compares nothing else"
            .formatted(key.path()));
  }

  private void checkPromptSample() {
    boolean counted = get(ConfigKeys.PROMPT_COUNT) > 0;
    if (counted == get(ConfigKeys.PROMPT_SEEDS).isEmpty()) {
      ConfigKey<?> given = counted ? ConfigKeys.PROMPT_COUNT : ConfigKeys.PROMPT_SEEDS;
      ConfigKey<?> missing = counted ? ConfigKeys.PROMPT_SEEDS : ConfigKeys.PROMPT_COUNT;
      problem(
          setting(given), "%s needs %s, got none of it".formatted(given.path(), missing.path()));
    } else if (counted && !isGiven(ConfigKeys.PROMPTS)) {
      problem(
          setting(ConfigKeys.PROMPT_COUNT),
          "compare.prompt-sample needs problem.prompts and an n-gram model as problem.reference,"
              + " got none");
    }
  }

  /** The one place that says what {@code mode: faithful} stands for. */
  private void applyMode() {
    if (get(ConfigKeys.MODE) == Mode.FAITHFUL) {
      imply(ConfigKeys.OPTIMIZER_KIND, Optional.of(OptimizerKind.GRADIENT));
      imply(ConfigKeys.STEP_RULE, StepRuleKind.FIXED);
      imply(ConfigKeys.WEIGHTS, WeightKind.VISITATION);
    }
  }

  private <T> void imply(ConfigKey<T> key, T implied) {
    Object given = values.putIfAbsent(key, implied);
    if (given != null && !given.equals(implied)) {
      problem(
          setting(key),
          "%s %s contradicts mode faithful, which means %s"
              .formatted(key.path(), setting(key).text(), key.writer().apply(implied)));
    }
  }

  private RunConfig.Problem problem() {
    return new RunConfig.Problem(
        get(ConfigKeys.PROBLEM_KIND),
        find(ConfigKeys.PROMPTS),
        find(ConfigKeys.TOKENIZER),
        find(ConfigKeys.REFERENCE),
        find(ConfigKeys.REWARD),
        find(ConfigKeys.IMPORT),
        get(ConfigKeys.DISCOUNT),
        new RunConfig.Contexts(
            get(ConfigKeys.CLASSES),
            get(ConfigKeys.HORIZON),
            get(ConfigKeys.EXPLORATION),
            get(ConfigKeys.END_REWARD)),
        get(ConfigKeys.START),
        get(ConfigKeys.STORAGE));
  }

  private RunConfig.Objective objective() {
    return new RunConfig.Objective(
        get(ConfigKeys.DIVERGENCE), get(ConfigKeys.LAMBDA), get(ConfigKeys.CLIP_EPSILON));
  }

  private RunConfig.Optimizer optimizer() {
    return new RunConfig.Optimizer(
        get(ConfigKeys.OPTIMIZER_KIND),
        get(ConfigKeys.STEP_RULE),
        get(ConfigKeys.STEP_SIZE),
        get(ConfigKeys.WEIGHTS),
        get(ConfigKeys.INNER_STEPS),
        get(ConfigKeys.OUTER_ITERATIONS),
        get(ConfigKeys.TOLERANCE),
        find(ConfigKeys.MAX_SECONDS));
  }

  private RunConfig.Run run() {
    return new RunConfig.Run(
        get(ConfigKeys.ENGINE),
        get(ConfigKeys.THREADS),
        get(ConfigKeys.MEMORY),
        get(ConfigKeys.CHECKPOINT_EVERY),
        get(ConfigKeys.METRICS_EVERY),
        find(ConfigKeys.OUT).orElseGet(() -> Path.of("runs", name)));
  }

  private RunConfig.Compare compare() {
    Map<String, List<String>> sweep = get(ConfigKeys.SWEEP);
    int promptCount = get(ConfigKeys.PROMPT_COUNT);
    return new RunConfig.Compare(
        find(ConfigKeys.COMPARED)
            .orElseGet(() -> RunConfig.Compare.defaultDivergences(sweep, promptCount)),
        find(ConfigKeys.BUDGET),
        get(ConfigKeys.FRONTIER_LAMBDAS),
        get(ConfigKeys.FRONTIER_TRAINED),
        sweep,
        promptCount,
        get(ConfigKeys.PROMPT_SEEDS),
        get(ConfigKeys.PARALLEL),
        get(ConfigKeys.TOP));
  }

  /** The value of a key that has a default. */
  private <T> T get(ConfigKey<T> key) {
    return find(key).or(() -> Optional.ofNullable(key.defaultValue())).orElseThrow();
  }

  /** The key's parser made the value, so its type is the key's. */
  @SuppressWarnings("unchecked")
  private <T> Optional<T> find(ConfigKey<T> key) {
    return Optional.ofNullable((T) values.get(key));
  }

  private boolean isGiven(ConfigKey<?> key) {
    Setting setting = settings.get(key.path());
    return setting != null && setting.isGiven();
  }

  private Setting setting(ConfigKey<?> key) {
    return Optional.ofNullable(settings.get(key.path())).orElseThrow();
  }

  private void problem(Setting setting, String message) {
    problems.add(setting.line(), setting.where(), message);
  }
}
