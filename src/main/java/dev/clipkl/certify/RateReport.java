package dev.clipkl.certify;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.Preconditioner;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.exact.RowSpectrum;
import dev.clipkl.exact.TailRate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.LoadedRun;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Predicted and measured rates (THEORY 4.5, 4.6, 6). At the optimum rows do not couple, so that
 * every row has its own spectrum; only the rows that can be the slowest are solved for it, by the
 * bounds that one sweep gives.
 */
final class RateReport {
  /** What a run without a tolerance is taken to aim at. */
  private static final double DEFAULT_TOLERANCE = 1e-6;

  private static final double ALLOWED_EXCESS = 0.02;

  private final LoadedRun run;
  private final RowProgram program;
  private final CheckLedger ledger;
  private final RowOptimum[] optima;
  private final double[] weights;
  private final double[] spans;
  private final RowOptimumSolver solver;

  RateReport(LoadedRun run, CheckLedger ledger) {
    this.run = run;
    this.ledger = ledger;
    program = run.program();
    solver = new RowOptimumSolver(program.divergence(), program.lambda());
    int states = run.problem().states();
    weights = new double[states];
    Arrays.fill(weights, 1.0);
    spans = new double[states];
    boolean byVisitation = run.config().optimizer().weights() == WeightKind.VISITATION;
    optima = run.coupling().optima();
    if (byVisitation) {
      System.arraycopy(run.coupling().optimalVisitation(), 0, weights, 0, states);
    }
  }

  /** A row's optimal policy with what its spectrum needs. */
  private record Row(double[] probabilities, double[] curvature, double actionValueSpan) {}

  private Row row(int state) {
    RowTable reference = run.problem().reference();
    double[] logReference = new double[reference.columns()];
    reference.readRow(state, logReference);
    double[] values = new double[logReference.length];
    run.coupling().readOptimalActionValues(state, values);
    double[] logOptimum = solver.logPolicy(optima[state], logReference, values);
    double[] probabilities = new double[values.length];
    double[] curvature = new double[values.length];
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < values.length; a++) {
      probabilities[a] = Math.exp(logOptimum[a]);
      curvature[a] = program.divergence().curvature(logOptimum[a] - logReference[a]);
      least = Math.min(least, values[a]);
      largest = Math.max(largest, values[a]);
    }
    return new Row(probabilities, curvature, largest - least);
  }

  /**
   * The report.
   *
   * @param firstGap mean gap where the run starts
   * @param gaps mean gap after every outer iteration; null when nothing was replayed
   * @param lastSteps last accepted first step of every row; null when nothing was replayed
   */
  Rate report(double firstGap, double @Nullable [] gaps, double @Nullable [] lastSteps) {
    List<String> notes = new ArrayList<>();
    RowSpectrum.Bounds[] bounds = new RowSpectrum.Bounds[optima.length];
    RowSpectrum.Bounds[] directionBounds = new RowSpectrum.Bounds[optima.length];
    int threads = run.config().run().threadCount();
    try (RowThreads rowThreads = new RowThreads(threads)) {
      rowThreads.visit(
          Collections.nCopies(threads, this),
          0,
          optima.length,
          (report, state) -> {
            Row row = report.row(state);
            bounds[state] = RowSpectrum.bounds(row.probabilities, row.curvature);
            directionBounds[state] = report.directionBounds(row, bounds[state]);
            spans[state] = row.actionValueSpan;
          });
    }
    double lambda = program.lambda();
    double tolerance = program.tolerance() > 0.0 ? program.tolerance() : DEFAULT_TOLERANCE;
    double muMin = smallest(bounds);
    double muMax = largest(bounds);
    double gradientSteps = gradientSteps(bounds, firstGap, tolerance);
    Double predicted = lastSteps == null ? null : predicted(directionBounds, lastSteps, notes);
    Double measured = null;
    Double lower = null;
    Double upper = null;
    if (gaps != null) {
      Optional<TailRate> tail = TailRate.fit(gaps);
      if (tail.isEmpty()) {
        notes.add("too few outer iterations to measure a tail rate");
      } else if (tail.get().trend() != TailRate.Trend.STEADY) {
        notes.add(
            "the tail has no settled linear rate: its ratios are "
                + (tail.get().trend() == TailRate.Trend.ACCELERATING ? "falling" : "rising"));
      } else {
        double root = 1.0 / program.innerSteps();
        measured = Math.pow(tail.get().ratio(), root);
        lower = Math.pow(tail.get().lower(), root);
        upper = Math.pow(tail.get().upper(), root);
        observeTail(predicted, measured);
      }
    }
    if (gradientSteps > 1e6) {
      notes.add(
          "plain gradient ascent is hopeless here: a theorem, not a tool (%.1e steps)"
              .formatted(gradientSteps));
    }
    return new Rate(
        predicted,
        measured,
        lower,
        upper,
        lambda * muMin,
        lambda * muMax,
        gradientSteps,
        tolerance,
        guarantee(),
        notes);
  }

  private void observeTail(@Nullable Double predicted, double measured) {
    // A rule that changes its steps has no one predicted rate to be held to.
    if (predicted == null || program.stepRule() != StepRuleKind.FIXED || !(predicted < 1.0)) {
      return;
    }
    ledger.declare(Claim.TAIL_RATE, Standing.ASYMPTOTIC, "per inner step, near the optimum");
    ledger.observe(Claim.TAIL_RATE, measured, predicted * (1.0 + ALLOWED_EXCESS), 0.0, null);
  }

  private RowSpectrum.Bounds directionBounds(Row row, RowSpectrum.Bounds gradientBounds) {
    return switch (program.optimizer()) {
      case GRADIENT, NESTEROV, ADAM -> gradientBounds;
      case NATURAL, NEWTON, PRECONDITIONED ->
          RowSpectrum.preconditionedBounds(row.probabilities, row.curvature, preconditioner(row));
    };
  }

  private double[] preconditioner(Row row) {
    return Preconditioner.of(program.divergence(), program.optimizer(), row.curvature);
  }

  /** The smallest weighted eigenvalue of all rows, from those whose bound can be it. */
  private double smallest(RowSpectrum.Bounds[] bounds) {
    double found = Double.POSITIVE_INFINITY;
    for (int state : order(s -> weights[s] * bounds[s].lower())) {
      if (weights[state] * bounds[state].lower() >= found) {
        break;
      }
      Row row = row(state);
      found =
          Math.min(
              found, weights[state] * RowSpectrum.of(row.probabilities, row.curvature).smallest());
    }
    return found;
  }

  private double largest(RowSpectrum.Bounds[] bounds) {
    double found = 0.0;
    for (int state : order(s -> -weights[s] * bounds[s].upper())) {
      if (weights[state] * bounds[state].upper() <= found) {
        break;
      }
      Row row = row(state);
      found =
          Math.max(
              found, weights[state] * RowSpectrum.of(row.probabilities, row.curvature).largest());
    }
    return found;
  }

  /** Steps of plain gradient ascent at {@code 1 / L_s}: those of the slowest row (THEORY 6). */
  private double gradientSteps(RowSpectrum.Bounds[] bounds, double gap, double tolerance) {
    double lambda = program.lambda();
    double[] steps = new double[optima.length];
    for (int s = 0; s < steps.length; s++) {
      steps[s] = 1.0 / RowSmoothness.constant(program.divergence(), lambda, spans[s]);
    }
    double found = Double.POSITIVE_INFINITY;
    for (int state : order(s -> steps[s] * bounds[s].lower())) {
      if (steps[state] * bounds[state].lower() >= found) {
        break;
      }
      Row row = row(state);
      found =
          Math.min(
              found, steps[state] * RowSpectrum.of(row.probabilities, row.curvature).smallest());
    }
    return TailRate.predictedGradientSteps(gap, tolerance, 1.0, lambda * found);
  }

  /**
   * {@code max_s max_i (1 - eta_s mu_i)^2}, with the last steps where the rule settles on one, with
   * unit steps where it goes on trying.
   */
  private @Nullable Double predicted(
      RowSpectrum.Bounds[] bounds, double[] lastSteps, List<String> notes) {
    OptimizerKind optimizer = program.optimizer();
    if (optimizer == OptimizerKind.NESTEROV || optimizer == OptimizerKind.ADAM) {
      notes.add("no rate is predicted for optimizer " + optimizer.configName());
      return null;
    }
    if (program.stepRule() == StepRuleKind.BACKTRACKING) {
      notes.add("the predicted rate is that of unit steps; backtracking chooses its own");
    }
    double[] steps = new double[lastSteps.length];
    for (int s = 0; s < steps.length; s++) {
      steps[s] = step(s, lastSteps[s]);
    }
    double found = 0.0;
    for (int state : order(s -> -bound(bounds[s], steps[s]))) {
      if (lastSteps[state] == 0.0) {
        continue; // At its optimum from the start.
      }
      if (bound(bounds[state], steps[state]) <= found) {
        break;
      }
      Row row = row(state);
      RowSpectrum.Extremes extremes =
          optimizer == OptimizerKind.GRADIENT
              ? RowSpectrum.of(row.probabilities, row.curvature)
              : RowSpectrum.preconditioned(row.probabilities, row.curvature, preconditioner(row));
      found =
          Math.max(
              found,
              TailRate.predictedRatio(steps[state], extremes.smallest(), extremes.largest()));
    }
    return found;
  }

  /** A step times what turns {@link RowSpectrum}'s eigenvalues into the direction's. */
  private double step(int state, double lastStep) {
    double step = program.stepRule() == StepRuleKind.BACKTRACKING ? unitStep(state) : lastStep;
    return program.optimizer() == OptimizerKind.GRADIENT ? program.lambda() * step : step;
  }

  private double unitStep(int state) {
    return program.optimizer() == OptimizerKind.GRADIENT
        ? 1.0 / RowSmoothness.constant(program.divergence(), program.lambda(), spans[state])
        : 1.0;
  }

  private static double bound(RowSpectrum.Bounds bounds, double step) {
    return TailRate.predictedRatio(step, bounds.lower(), bounds.upper());
  }

  /** The states from the least key to the largest. */
  private List<Integer> order(ToDoubleFunction<Integer> key) {
    return IntStream.range(0, optima.length)
        .boxed()
        .sorted(Comparator.comparingDouble(key))
        .toList();
  }

  /** What is proven, in words; never more than that (THEORY 4.3, 4.4, 4.5). */
  private String guarantee() {
    Divergence divergence = program.divergence();
    boolean zeros = Arrays.stream(optima).anyMatch(optimum -> optimum.zeros() > 0);
    if (zeros) {
      return "sublinear: the optimum has zeros, which no logits reach";
    }
    if (divergence instanceof ForwardKl) {
      return "global linear for certified gradient steps (proven, 4.3 and 4.4); the constant is"
          + " astronomically small at vocabulary scale, so see what was measured";
    }
    if (divergence instanceof ReverseKl) {
      return !run.coupling().rowsMeet()
          ? "global linear while step lambda <= 1 and nothing is clipped (span contraction, proven,"
              + " 4.4); local linear in general (4.5)"
          : "local linear near the optimum (4.5, asymptotic)";
    }
    return "local linear near the optimum (4.5, asymptotic)";
  }
}
