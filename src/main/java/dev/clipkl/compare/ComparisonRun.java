package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.AtomicFile;
import dev.clipkl.training.HeldFolder;
import dev.clipkl.training.LoadedProblem;
import dev.clipkl.training.TrainingListener;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;

/**
 * One comparison from configuration to files: finds the lambda of every budget, trains, measures.
 *
 * <p>What has to be found out before training is kept in {@code plan.json}; after it everything
 * follows from the runs. So a comparison that is killed at any moment and resumed ends with the
 * same results.
 */
public final class ComparisonRun {
  private final RunConfig config;
  private final ComparisonFolder folder;
  private final TrainingListener listener;

  private ComparisonRun(RunConfig config, TrainingListener listener) {
    this.config = config;
    this.listener = listener;
    folder = new ComparisonFolder(config.run().out());
  }

  /**
   * Starts a comparison in a new folder, {@code config.run().out()}.
   *
   * @param name what it is called
   * @param listener takes notes, and may ask to stop
   * @return empty when it was stopped before the end
   * @throws dev.clipkl.failure.CommandException when an input is wrong or the machine cannot do it;
   *     when it is an input, nothing has been written
   */
  public static Optional<Comparison> start(
      RunConfig config, String name, TrainingListener listener) {
    HeldFolder.requireNewOrEmpty(config.run().out(), ComparisonFolder.KIND);
    // It is resumed from any working directory.
    RunConfig fromAnywhere = config.withPaths(Path::toAbsolutePath, Tokenizers::absolute);
    ComparisonRun run = new ComparisonRun(fromAnywhere, listener);
    return run.untilStopped(() -> {
      run.check();
      ComparisonPlan plan = run.plan(name);
      try (HeldFolder _ =
          HeldFolder.create(run.folder.path(), ComparisonFolder.KIND, fromAnywhere.toYaml())) {
        AtomicFile.writeString(run.folder.plan(), ComparisonFile.text(plan));
        return run.finish(plan);
      }
    });
  }

  /**
   * Continues an interrupted comparison; of one that has ended only its result is read.
   *
   * @return empty when it was stopped before the end
   * @throws InputException when the folder holds no comparison, another process holds it, or its
   *     inputs have changed
   */
  public static Optional<Comparison> resume(Path path, TrainingListener listener) {
    try (HeldFolder held = HeldFolder.resume(path, ComparisonFolder.KIND)) {
      ComparisonFolder folder = new ComparisonFolder(held.path());
      if (Files.exists(folder.comparison())) {
        listener.note(path + " has already ended");
        return Optional.of(ComparisonFile.read(folder.comparison()));
      }
      // The folder may have been moved since.
      RunConfig config =
          RunConfig.read(folder.configuration(), List.of()).withOut(path.toAbsolutePath());
      ComparisonRun run = new ComparisonRun(config, listener);
      return run.untilStopped(() -> run.finish(run.storedPlan(path)));
    }
  }

  /** A configuration without a plan is left by a process that was killed between the two. */
  private ComparisonPlan storedPlan(Path path) {
    if (!Files.exists(folder.plan())) {
      ComparisonPlan plan = plan(String.valueOf(path.toAbsolutePath().normalize().getFileName()));
      AtomicFile.writeString(folder.plan(), ComparisonFile.text(plan));
    }
    return ComparisonFile.read(folder.plan(), ComparisonPlan.class, "a comparison's plan");
  }

  /** What may be cut short by somebody who asks to stop. */
  @FunctionalInterface
  private interface Stoppable {
    Optional<Comparison> run();
  }

  private Optional<Comparison> untilStopped(Stoppable work) {
    try {
      return work.run();
    } catch (CancellationException e) {
      return Optional.empty();
    }
  }

  /** Whatever can be found wrong before any work is done. */
  private void check() {
    if (config.run().metricsEvery() != 1) {
      throw new InputException(
          "run.metrics-every must be 1 to compare: rates need every outer iteration, got "
              + config.run().metricsEvery());
    }
    PromptSample.check(config);
    new RunPlanner(config).addSweep(PromptSample.files(config, folder.path()));
  }

  /** Finds each match's lambdas. */
  private ComparisonPlan plan(String name) {
    try (LoadedProblem loaded = LoadedProblem.open(config, listener::note)) {
      List<Divergence> divergences = config.compare().divergences();
      if (divergences.isEmpty()) {
        return new ComparisonPlan(name, List.of());
      }
      double lambda = config.objective().lambda();
      List<PlannedMatch> matches = new ArrayList<>();
      Map<String, Double> same = new LinkedHashMap<>();
      divergences.forEach(divergence -> same.put(divergence.name(), lambda));
      matches.add(new PlannedMatch(null, lambda, same));
      ProblemSolver solver = new ProblemSolver(loaded, listener::stopRequested);
      BudgetSolver budgets =
          new BudgetSolver(solver, new PolicyMeter(solver, config.compare().top()));
      for (BudgetMeasure measure : BudgetMeasure.values()) {
        matches.add(match(measure, budgets));
      }
      return new ComparisonPlan(name, matches);
    }
  }

  private PlannedMatch match(BudgetMeasure measure, BudgetSolver budgets) {
    List<Divergence> divergences = config.compare().divergences();
    double start = config.objective().lambda();
    Optional<Double> given = config.compare().budget();
    double target = given.orElseGet(() -> budgets.spent(measure, divergences.getFirst(), start));
    if (!(target > 0.0 && target < Double.POSITIVE_INFINITY)) {
      throw new InputException(
          "compare.budget: the optimum of %s at lambda %s has no finite %s above 0 to share, got"
                  .formatted(divergences.getFirst().name(), start, measure.symbol())
              + " %s: give a budget".formatted(target));
    }
    Map<String, Double> lambdas = new LinkedHashMap<>();
    for (Divergence divergence : divergences) {
      boolean isTheirs = given.isEmpty() && divergence.equals(divergences.getFirst());
      double lambda = isTheirs ? start : budgets.lambda(measure, divergence, target, start);
      lambdas.put(divergence.name(), lambda);
      listener.note(
          "%s of %s nats: %s at lambda %s"
              .formatted(measure.symbol(), target, divergence.name(), lambda));
    }
    return new PlannedMatch(measure.metric(), target, lambdas);
  }

  private Optional<Comparison> finish(ComparisonPlan plan) {
    Map<Integer, Path> samples = PromptSample.files(config, folder.path());
    PromptSample.write(config, samples);
    RunPlanner planner = new RunPlanner(config);
    ComparisonBuilder builder = new ComparisonBuilder(config, plan, planner);
    planner.addSweep(samples);
    List<PlannedRun> runs = planner.runs();
    RunQueue queue = new RunQueue(folder.runs(), config, listener);
    if (!queue.train(runs)) {
      return Optional.empty();
    }
    builder.requireTrained(queue.failures());
    listener.note("measuring " + runs.size() + " policies and their exact optima");
    Map<PlannedRun, RunResult> results = new LinkedHashMap<>();
    Optional<Comparison> comparison = Optional.empty();
    for (List<PlannedRun> sameProblem : byProblem(runs)) {
      try (LoadedProblem loaded = LoadedProblem.open(sameProblem.getFirst().config(), _ -> {})) {
        ProblemSolver solver = new ProblemSolver(loaded, listener::stopRequested);
        RunMeasurement measurement =
            new RunMeasurement(solver, new PolicyMeter(solver, config.compare().top()));
        for (PlannedRun run : sameProblem) {
          results.put(
              run,
              measurement.run(
                  run,
                  folder.path(),
                  folder.runs().resolve(run.id()),
                  queue.failures().get(run.id())));
        }
        // What is matched comes first, and all of it is on the configured problem.
        if (comparison.isEmpty()) {
          comparison = Optional.of(builder.build(measurement, results));
        }
      }
    }
    ResultsTable table = new ResultsTable();
    runs.forEach(run -> table.add(Objects.requireNonNull(results.get(run))));
    table.write(folder.csv(), folder.jsonLines());
    ComparisonFile.write(folder.comparison(), comparison.orElseThrow());
    return comparison;
  }

  /** In the order in which their problems come up. */
  private static Collection<List<PlannedRun>> byProblem(List<PlannedRun> runs) {
    Map<RunConfig.Problem, List<PlannedRun>> groups = new LinkedHashMap<>();
    for (PlannedRun run : runs) {
      groups.computeIfAbsent(run.config().problem(), _ -> new ArrayList<>()).add(run);
    }
    return groups.values();
  }
}
