package dev.clipkl.engine.cuda;

import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * What is done with the rows of a block, whichever of them.
 *
 * @param outerIterations of a run; 0 for an evaluation or a gradient
 * @param results null where nobody reads metrics
 * @param masses takes masses by group; null unless they are asked for
 * @param gradients where gradients go; null unless they are asked for
 */
record RowLaunch(
    LaunchPlan plan,
    RowBlock block,
    RowProgram program,
    int outerIterations,
    @Nullable RowResults results,
    @Nullable GroupMasses masses,
    @Nullable RowTable gradients) {

  static RowLaunch evaluation(
      LaunchPlan plan,
      RowBlock block,
      RowProgram program,
      RowResults results,
      @Nullable GroupMasses masses) {
    return new RowLaunch(plan, block, program, 0, results, masses, null);
  }

  static RowLaunch run(
      LaunchPlan plan,
      RowBlock block,
      RowProgram program,
      int outerIterations,
      @Nullable RowResults results) {
    return new RowLaunch(plan, block, program, outerIterations, results, null, null);
  }

  static RowLaunch gradient(
      LaunchPlan plan, RowBlock block, RowProgram program, RowTable gradients) {
    return new RowLaunch(plan, block, program, 0, null, null, gradients);
  }

  /** Outer iterations whose metrics come back. */
  int reportedIterations() {
    return results == null ? 0 : outerIterations;
  }

  /** Groups whose masses come back. */
  int groups() {
    return masses == null ? 0 : masses.groups().groups();
  }

  /** Sets what is the same for all rows. */
  void set(KernelParameters parameters, int rows) {
    parameters
        .set("rows", rows)
        .set("columns", block.columns())
        .set("outerIterations", outerIterations)
        .set("innerSteps", program.innerSteps())
        .set("optimizer", program.optimizer().ordinal())
        .set("stepRule", program.stepRule().ordinal())
        .set("arrays", plan.arrays())
        .set("lambda", program.lambda())
        .set("clipEpsilon", program.clip().clipEpsilon())
        .set("stepSize", program.stepSize())
        .set("tolerance", program.tolerance())
        .set("smoothness", program.smoothness())
        .set("alpha", program.divergence() instanceof AlphaDivergence f ? f.alpha() : 0.0)
        .set("scratchBytesPerBlock", plan.scratchBytesPerBlock());
  }
}
