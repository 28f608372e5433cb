package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.OptimumSpectra;
import dev.clipkl.objective.RowSmoothness;
import java.util.Arrays;

/** The rate that the optimum's curvature predicts for a run (THEORY 4.5). */
final class PredictedRate {
  private PredictedRate() {}

  /**
   * The gap's factor per outer iteration near the optimum, where nothing is clipped: of the unit
   * step where backtracking chooses its own, of the configured step elsewhere.
   *
   * @return NaN where there is no one rate: optimizers with memory, an optimum with zeros, a unit
   *     step that follows the policy
   */
  static double of(ProblemSolver solver, SolvedObjective optimum, RunConfig config) {
    OptimizerKind optimizer = config.optimizer().kindFor(optimum.divergence());
    StepRuleKind rule = config.optimizer().stepRule();
    boolean weighted = config.optimizer().weights() == WeightKind.VISITATION;
    boolean gradient = optimizer == OptimizerKind.GRADIENT;
    boolean unitStepMoves =
        gradient && (rule == StepRuleKind.SAFE || (weighted && !solver.isBandit()));
    if (optimizer == OptimizerKind.NESTEROV
        || optimizer == OptimizerKind.ADAM
        || unitStepMoves
        || Arrays.stream(optimum.rows()).anyMatch(row -> row.zeros() > 0)) {
      return Double.NaN;
    }
    OptimumSpectra spectra =
        new OptimumSpectra(
            optimum.divergence(),
            optimum.lambda(),
            optimizer,
            solver.problem().reference(),
            (state, destination) -> optimum.actionValues().readRow(state, destination),
            optimum.rows(),
            config.run().threadCount());
    double[] steps = new double[optimum.rows().length];
    Arrays.fill(steps, 1.0);
    if (gradient) {
      fillGradientSteps(spectra, optimum, weighted, steps);
    }
    if (rule != StepRuleKind.BACKTRACKING) {
      for (int s = 0; s < steps.length; s++) {
        steps[s] *= config.optimizer().stepSize() * (weighted ? optimum.visitation()[s] : 1.0);
      }
    }
    return Math.pow(spectra.predictedRatio(steps), config.optimizer().innerSteps());
  }

  /** {@code lambda / L}, of each row or, with visitation weights, the largest L of all. */
  private static void fillGradientSteps(
      OptimumSpectra spectra, SolvedObjective optimum, boolean common, double[] steps) {
    double largest = 0.0;
    for (int s = 0; s < steps.length; s++) {
      double smoothness =
          RowSmoothness.constant(optimum.divergence(), optimum.lambda(), spectra.span(s));
      steps[s] = optimum.lambda() / smoothness;
      largest = Math.max(largest, smoothness);
    }
    if (common) {
      Arrays.fill(steps, optimum.lambda() / largest);
    }
  }
}
