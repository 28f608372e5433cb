package dev.clipkl.certify;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.OptimumSpectra;
import dev.clipkl.exact.TailRate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.training.LoadedRun;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Predicted and measured rates (THEORY 4.5, 4.6, 6). At the optimum rows do not couple, so that
 * every row has its own spectrum.
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

  RateReport(LoadedRun run, CheckLedger ledger) {
    this.run = run;
    this.ledger = ledger;
    program = run.program();
    int states = run.problem().states();
    weights = new double[states];
    Arrays.fill(weights, 1.0);
    boolean byVisitation = run.config().optimizer().weights() == WeightKind.VISITATION;
    optima = run.coupling().optima();
    if (byVisitation) {
      System.arraycopy(run.coupling().optimalVisitation(), 0, weights, 0, states);
    }
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
    OptimumSpectra spectra =
        new OptimumSpectra(
            program.divergence(),
            program.lambda(),
            program.optimizer(),
            run.problem().reference(),
            run.coupling()::readOptimalActionValues,
            optima,
            run.config().run().threadCount());
    double lambda = program.lambda();
    double tolerance = program.tolerance() > 0.0 ? program.tolerance() : DEFAULT_TOLERANCE;
    double muMin = spectra.smallest(weights);
    double muMax = spectra.largest(weights);
    double gradientSteps = gradientSteps(spectra, firstGap, tolerance);
    Double predicted = lastSteps == null ? null : predicted(spectra, lastSteps, notes);
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

  /** Steps of plain gradient ascent at {@code 1 / L_s}: those of the slowest row (THEORY 6). */
  private double gradientSteps(OptimumSpectra spectra, double gap, double tolerance) {
    double[] steps = new double[optima.length];
    for (int s = 0; s < steps.length; s++) {
      steps[s] = gradientStep(spectra, s);
    }
    return TailRate.predictedGradientSteps(
        gap, tolerance, 1.0, program.lambda() * spectra.smallest(steps));
  }

  private double gradientStep(OptimumSpectra spectra, int state) {
    return 1.0
        / RowSmoothness.constant(program.divergence(), program.lambda(), spectra.span(state));
  }

  /**
   * {@code max_s max_i (1 - eta_s mu_i)^2}, with the last steps where the rule settles on one, with
   * unit steps where it goes on trying.
   */
  private @Nullable Double predicted(
      OptimumSpectra spectra, double[] lastSteps, List<String> notes) {
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
      // A row without a step was at its optimum from the start.
      steps[s] = lastSteps[s] == 0.0 ? 0.0 : step(spectra, s, lastSteps[s]);
    }
    return spectra.predictedRatio(steps);
  }

  /** A step times what turns {@link RowSpectrum}'s eigenvalues into the direction's. */
  private double step(OptimumSpectra spectra, int state, double lastStep) {
    if (program.optimizer() != OptimizerKind.GRADIENT) {
      return program.stepRule() == StepRuleKind.BACKTRACKING ? 1.0 : lastStep;
    }
    return program.lambda()
        * (program.stepRule() == StepRuleKind.BACKTRACKING
            ? gradientStep(spectra, state)
            : lastStep);
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
