package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.training.StoredPolicy;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Measures the finished runs of one problem, and the exact optima beside them. */
final class RunMeasurement {
  private final ProblemSolver solver;
  private final PolicyMeter meter;
  private final Map<SolvedObjective, MeasuredPolicy> optima = new HashMap<>();

  RunMeasurement(ProblemSolver solver, PolicyMeter meter) {
    this.solver = solver;
    this.meter = meter;
  }

  /** The problem's solver. */
  ProblemSolver solver() {
    return solver;
  }

  /** The meter of its policies. */
  PolicyMeter meter() {
    return meter;
  }

  /** The exact optimum of an objective, measured once. */
  MeasuredPolicy optimum(Divergence divergence, double lambda) {
    return optima.computeIfAbsent(solver.solve(divergence, lambda), meter::measure);
  }

  /**
   * One run.
   *
   * @param folder the comparison's
   * @param directory the run's
   * @param failure why it was given up; null when it was not
   * @throws InputException when its policy is of another problem
   */
  RunResult run(PlannedRun planned, Path folder, Path directory, @Nullable String failure) {
    String fingerprint = solver.problem().fingerprint();
    if (failure != null) {
      return new RunResult(planned, fingerprint, null, null, failure);
    }
    RunConfig config = planned.config();
    Divergence divergence = config.objective().divergence();
    double lambda = config.objective().lambda();
    FinishedRun finished = FinishedRun.read(directory);
    SolvedObjective solved = solver.solve(divergence, lambda);
    MeasuredPolicy optimum = optimum(divergence, lambda);
    MeasuredPolicy measured = policy(directory, divergence);
    return new RunResult(
        planned,
        fingerprint,
        new ComparedPolicy(
            folder.relativize(directory).toString(),
            divergence.name(),
            lambda,
            new OptimumNumbers(
                solved.value(),
                optimum.reward(),
                optimum.divergence(),
                optimum.klPolicyToReference(),
                optimum.klReferenceToPolicy()),
            finished.metrics(),
            Objects.requireNonNull(measured.shape()),
            Objects.requireNonNull(optimum.shape()),
            finished.measuredRate(),
            PredictedRate.of(solver, solved, config),
            finished.outerIterations(),
            finished.steps() * solver.problem().actions(),
            finished.stopReason(config.optimizer()).sentence()),
        measured,
        null);
  }

  private MeasuredPolicy policy(Path directory, Divergence divergence) {
    Path file = directory.resolve("policy.safetensors");
    try (StoredPolicy policy = StoredPolicy.open(file)) {
      String expected = solver.problem().fingerprint();
      String got = policy.metadata().get("problem_fingerprint");
      if (!expected.equals(got)) {
        throw new InputException(
            "%s: the policy belongs to another problem: expected fingerprint %s, got %s; have the"
                    .formatted(file, expected, got)
                + " inputs changed?");
      }
      return meter.measure(policy.table(), divergence);
    }
  }
}
