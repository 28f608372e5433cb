package dev.clipkl.engine;

import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;

/**
 * The parameters of a row program: the inner loop of one outer iteration on one row.
 *
 * @param divergence the regulariser to the reference
 * @param lambda its weight, above 0
 * @param clip the ratio band
 * @param optimizer the ascent direction
 * @param stepRule how long a step is
 * @param stepSize in units of the optimizer's unit step, above 0
 * @param innerSteps K, at least 1
 * @param tolerance a row whose exact gap is at most this is finished
 */
public record RowProgram(
    Divergence divergence,
    double lambda,
    ClippedSurrogate clip,
    OptimizerKind optimizer,
    StepRuleKind stepRule,
    double stepSize,
    int innerSteps,
    double tolerance) {
  public RowProgram {
    require(lambda > 0.0 && lambda < Double.POSITIVE_INFINITY, "lambda must be above 0", lambda);
    require(
        stepSize > 0.0 && stepSize < Double.POSITIVE_INFINITY,
        "step-size must be above 0",
        stepSize);
    require(innerSteps >= 1, "inner-steps must be at least 1", innerSteps);
    require(tolerance >= 0.0, "tolerance must be at least 0", tolerance);
  }

  /** The same program with another ascent direction. */
  public RowProgram withOptimizer(OptimizerKind other) {
    return new RowProgram(
        divergence, lambda, clip, other, stepRule, stepSize, innerSteps, tolerance);
  }

  private static void require(boolean holds, String rule, Number got) {
    if (!holds) {
      throw new IllegalArgumentException(rule + ", got " + got);
    }
  }
}
