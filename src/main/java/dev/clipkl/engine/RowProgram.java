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
 * @param smoothness L of the unit step {@code 1 / L} of raw gradients, the same for all rows; NaN
 *     for each row's own (THEORY 3.3)
 */
public record RowProgram(
    Divergence divergence,
    double lambda,
    ClippedSurrogate clip,
    OptimizerKind optimizer,
    StepRuleKind stepRule,
    double stepSize,
    int innerSteps,
    double tolerance,
    double smoothness) {
  public RowProgram {
    require(lambda > 0.0 && lambda < Double.POSITIVE_INFINITY, "lambda must be above 0", lambda);
    require(
        stepSize > 0.0 && stepSize < Double.POSITIVE_INFINITY,
        "step-size must be above 0",
        stepSize);
    require(innerSteps >= 1, "inner-steps must be at least 1", innerSteps);
    require(tolerance >= 0.0, "tolerance must be at least 0", tolerance);
    require(
        Double.isNaN(smoothness) || (smoothness > 0.0 && smoothness < Double.POSITIVE_INFINITY),
        "smoothness must be above 0",
        smoothness);
  }

  /** A program whose unit step is each row's own. */
  public RowProgram(
      Divergence divergence,
      double lambda,
      ClippedSurrogate clip,
      OptimizerKind optimizer,
      StepRuleKind stepRule,
      double stepSize,
      int innerSteps,
      double tolerance) {
    this(
        divergence, lambda, clip, optimizer, stepRule, stepSize, innerSteps, tolerance, Double.NaN);
  }

  /** The same program with one unit step {@code 1 / smoothness} for all rows. */
  public RowProgram withSmoothness(double common) {
    return new RowProgram(
        divergence, lambda, clip, optimizer, stepRule, stepSize, innerSteps, tolerance, common);
  }

  private static void require(boolean holds, String rule, Number got) {
    if (!holds) {
      throw new IllegalArgumentException(rule + ", got " + got);
    }
  }
}
