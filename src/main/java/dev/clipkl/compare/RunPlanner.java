package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The runs of a comparison, in the order in which they are trained: each configuration once,
 * however many parts of the comparison want it.
 */
final class RunPlanner {
  private static final String DIVERGENCE = "objective.divergence";
  private static final String LAMBDA = "objective.lambda";
  private static final String PROMPTS = "problem.prompts";

  /** What every row of results names, beside the keys of the sweep. */
  private static final List<String> ALWAYS_NAMED =
      List.of(
          DIVERGENCE,
          LAMBDA,
          "objective.clip-epsilon",
          "optimizer.kind",
          "optimizer.step-rule",
          "optimizer.step-size",
          "optimizer.inner-steps",
          "optimizer.tolerance");

  private static final long MOST_RUNS = 10_000;

  private final RunConfig config;

  /** By what they do. */
  private final Map<RunConfig, PlannedRun> runs = new LinkedHashMap<>();

  RunPlanner(RunConfig config) {
    this.config = config;
  }

  /** All runs so far. */
  List<PlannedRun> runs() {
    return List.copyOf(runs.values());
  }

  /** The run of one objective over the configured problem. */
  PlannedRun objective(Divergence divergence, double lambda) {
    RunConfig run =
        config.with(
            List.of(
                "%s=%s".formatted(DIVERGENCE, divergence.name()),
                "%s=%s".formatted(LAMBDA, lambda)));
    return add(fileName("%s_lambda-%s".formatted(divergence.name(), lambda)), run, "");
  }

  /**
   * Adds the sweep's runs.
   *
   * @param samples prompt files of the subsets by seed; empty for all prompts
   * @throws InputException when values contradict one another, or there are too many
   */
  void addSweep(Map<Integer, Path> samples) {
    RunConfig.Compare compare = config.compare();
    if (!compare.hasSweep()) {
      return;
    }
    long count = Math.max(1, samples.size());
    for (List<String> values : compare.sweep().values()) {
      count *= values.size();
      if (count > MOST_RUNS) {
        throw new InputException(
            "compare.sweep: expected at most %d runs, got %d or more".formatted(MOST_RUNS, count));
      }
    }
    if (samples.isEmpty()) {
      addCombinations(List.of(), List.of(), "");
    }
    samples.forEach((seed, file) ->
        addCombinations(
            List.of("prompts-" + seed),
            List.of("%s=%s".formatted(PROMPTS, quoted(file.toString()))),
            seed.toString()));
  }

  /** A text that the reader of settings takes for itself, whatever is in it. */
  private static String quoted(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  private void addCombinations(List<String> names, List<String> settings, String seed) {
    List<List<String>> combinations = List.of(List.of());
    List<List<String>> labels = List.of(List.of());
    for (Map.Entry<String, List<String>> swept : config.compare().sweep().entrySet()) {
      String shortName = swept.getKey().substring(swept.getKey().lastIndexOf('.') + 1);
      combinations = product(combinations, swept.getValue(), swept.getKey() + "=");
      labels = product(labels, swept.getValue(), shortName + "-");
    }
    for (int i = 0; i < combinations.size(); i++) {
      List<String> all = new ArrayList<>(settings);
      all.addAll(combinations.get(i));
      List<String> name = new ArrayList<>(labels.get(i));
      name.addAll(names);
      add(fileName(String.join("_", name)), resolve(all, combinations.get(i)), seed);
    }
  }

  private static List<List<String>> product(
      List<List<String>> before, List<String> values, String prefix) {
    List<List<String>> product = new ArrayList<>();
    for (List<String> head : before) {
      for (String value : values) {
        List<String> combination = new ArrayList<>(head);
        combination.add(prefix + value);
        product.add(combination);
      }
    }
    return product;
  }

  private RunConfig resolve(List<String> settings, List<String> combination) {
    try {
      return config.with(settings);
    } catch (InputException e) {
      throw new InputException(
          "compare.sweep: %s: %s"
              .formatted(
                  String.join(", ", combination),
                  e.getMessage().replaceAll("\\R", "; ").replace(" (--set)", "")),
          e);
    }
  }

  private PlannedRun add(String id, RunConfig run, String seed) {
    PlannedRun known = runs.get(run);
    if (known != null) {
      return known;
    }
    Map<String, String> settings = new LinkedHashMap<>();
    for (String key : ALWAYS_NAMED) {
      settings.put(key, run.text(key).orElse(""));
    }
    for (String key : config.compare().sweep().keySet()) {
      settings.put(key, run.text(key).orElse(""));
    }
    if (config.compare().promptCount() > 0) {
      settings.put("prompt-sample.seed", seed);
    }
    PlannedRun planned = new PlannedRun(id, run, settings);
    runs.put(run, planned);
    return planned;
  }

  /** A name without what shells take for something else: {@code alpha(0.5)} is alpha-0.5. */
  private static String fileName(String name) {
    return name.replace("(", "-").replace(")", "");
  }
}
