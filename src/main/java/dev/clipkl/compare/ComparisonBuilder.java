package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.Problem;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Puts the matches and the frontier together, from plans and from measured runs. */
final class ComparisonBuilder {
  private final RunConfig config;
  private final ComparisonPlan plan;

  /** The runs of each match by divergence, in the order of the plan. */
  private final List<Map<String, PlannedRun>> matchRuns = new ArrayList<>();

  private final List<PlannedRun> frontierRuns = new ArrayList<>();

  /**
   * A builder.
   *
   * @param planner takes the runs that matches and frontier need
   */
  ComparisonBuilder(RunConfig config, ComparisonPlan plan, RunPlanner planner) {
    this.config = config;
    this.plan = plan;
    for (PlannedMatch match : plan.matches()) {
      Map<String, PlannedRun> runs = new LinkedHashMap<>();
      match
          .lambdas()
          .forEach(
              (name, lambda) -> runs.put(name, planner.objective(Divergence.parse(name), lambda)));
      matchRuns.add(runs);
    }
    if (config.compare().frontierTrained()) {
      for (Divergence divergence : config.compare().divergences()) {
        for (double lambda : config.compare().frontierLambdas()) {
          frontierRuns.add(planner.objective(divergence, lambda));
        }
      }
    }
  }

  /**
   * Checks that nothing that is compared is missing; a sweep goes on without a run.
   *
   * @param failures by run
   * @throws InputException for the first run that had to be given up
   */
  void requireTrained(Map<String, String> failures) {
    List<PlannedRun> needed = new ArrayList<>(frontierRuns);
    matchRuns.forEach(runs -> needed.addAll(runs.values()));
    for (PlannedRun run : needed) {
      String failure = failures.get(run.id());
      if (failure != null) {
        throw new InputException("%s: %s".formatted(run.id(), failure));
      }
    }
  }

  /**
   * The document.
   *
   * @param measurement of the configured problem; of a sweep over subsets alone, of any
   * @param results of its runs, with all that matches and frontier need
   */
  Comparison build(RunMeasurement measurement, Map<PlannedRun, RunResult> results) {
    List<PolicyMatch> matches = new ArrayList<>();
    for (int i = 0; i < matchRuns.size(); i++) {
      matches.add(match(plan.matches().get(i), matchRuns.get(i), measurement, results));
    }
    Problem problem = measurement.solver().problem();
    return new Comparison(
        ComparisonFile.FORMAT_VERSION,
        plan.name(),
        measurement.solver().loaded().description(),
        problem.fingerprint(),
        matches,
        frontier(measurement, results));
  }

  private static PolicyMatch match(
      PlannedMatch planned,
      Map<String, PlannedRun> runs,
      RunMeasurement measurement,
      Map<PlannedRun, RunResult> results) {
    List<ComparedPolicy> policies = new ArrayList<>();
    Map<String, int[][]> tops = new LinkedHashMap<>();
    runs.forEach((name, run) -> {
      RunResult result = Objects.requireNonNull(results.get(run));
      policies.add(Objects.requireNonNull(result.policy()));
      tops.put(name, Objects.requireNonNull(result.measured()).top());
    });
    tops.put("reference", measurement.meter().referenceTop());
    return new PolicyMatch(
        planned.measure(),
        planned.target(),
        policies,
        overlaps(
            tops,
            measurement.meter().topCount(),
            measurement.solver().problem().startDistribution()));
  }

  /** Of each two, in their order. */
  private static List<TopOverlap> overlaps(Map<String, int[][]> tops, int count, double[] start) {
    List<String> names = List.copyOf(tops.keySet());
    List<TopOverlap> overlaps = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      for (int j = i + 1; j < names.size(); j++) {
        int[][] first = Objects.requireNonNull(tops.get(names.get(i)));
        int[][] second = Objects.requireNonNull(tops.get(names.get(j)));
        double share = 0.0;
        for (int s = 0; s < start.length; s++) {
          share += start[s] * shared(first[s], second[s]) / count;
        }
        overlaps.add(new TopOverlap(names.get(i), names.get(j), count, share));
      }
    }
    return overlaps;
  }

  /** How many ids two rising lists share. */
  private static int shared(int[] first, int[] second) {
    int shared = 0;
    for (int i = 0, j = 0; i < first.length && j < second.length; ) {
      if (first[i] == second[j]) {
        shared++;
        i++;
        j++;
      } else if (first[i] < second[j]) {
        i++;
      } else {
        j++;
      }
    }
    return shared;
  }

  private @Nullable Frontier frontier(
      RunMeasurement measurement, Map<PlannedRun, RunResult> results) {
    List<Double> lambdas = config.compare().frontierLambdas();
    if (lambdas.isEmpty()) {
      return null;
    }
    Map<BudgetMeasure, FrontierBound> bounds = new EnumMap<>(BudgetMeasure.class);
    for (BudgetMeasure measure : BudgetMeasure.values()) {
      FrontierBound bound = new FrontierBound(measurement.solver(), measurement.meter(), measure);
      lambdas.forEach(bound::add);
      bounds.put(measure, bound);
    }
    List<FrontierPoint> optima = new ArrayList<>();
    for (Divergence divergence : config.compare().divergences()) {
      for (double lambda : lambdas) {
        MeasuredPolicy optimum = measurement.optimum(divergence, lambda);
        optima.add(point(divergence, lambda, null, optimum, bounds));
      }
    }
    List<FrontierPoint> trained = new ArrayList<>();
    for (PlannedRun run : frontierRuns) {
      RunResult result = Objects.requireNonNull(results.get(run));
      trained.add(
          point(
              run.config().objective().divergence(),
              run.config().objective().lambda(),
              Objects.requireNonNull(result.policy()).run(),
              Objects.requireNonNull(result.measured()),
              bounds));
    }
    return new Frontier(optima, trained);
  }

  private static FrontierPoint point(
      Divergence divergence,
      double lambda,
      @Nullable String run,
      MeasuredPolicy policy,
      Map<BudgetMeasure, FrontierBound> bounds) {
    return new FrontierPoint(
        divergence.name(),
        lambda,
        run,
        policy.reward(),
        policy.klPolicyToReference(),
        policy.klReferenceToPolicy(),
        best(BudgetMeasure.POLICY_TO_REFERENCE, policy, bounds),
        best(BudgetMeasure.REFERENCE_TO_POLICY, policy, bounds));
  }

  private static double best(
      BudgetMeasure measure, MeasuredPolicy policy, Map<BudgetMeasure, FrontierBound> bounds) {
    return Objects.requireNonNull(bounds.get(measure)).at(measure.discountedSum(policy));
  }
}
