package dev.clipkl.engine.cuda;

import dev.clipkl.driver.CudaContext;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.table.RowTable;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The plans of launches, each made when it is first asked for. */
final class LaunchPlans {
  private final CudaContext context;
  private final KernelLibrary kernels;
  private final Map<Key, LaunchPlan> plans = new HashMap<>();

  private record Key(
      String kernel, RowProgram program, int columns, int converted, boolean oneStep) {

    static Key of(String kernel, RowProgram program, RowBlock block, boolean oneStep) {
      int converted = converted(block.reference(), block) + converted(block.actionValues(), block);
      return new Key(kernel, program, block.columns(), converted, oneStep);
    }

    private static int converted(RowTable table, RowBlock block) {
      return DeviceTable.isConverted(table, block.firstRow(), block.endRow()) ? 1 : 0;
    }
  }

  LaunchPlans(CudaContext context, KernelLibrary kernels) {
    this.context = context;
    this.kernels = kernels;
  }

  /** The plan of runs; {@code oneStep} as for {@link LaunchPlan#run}. */
  LaunchPlan run(RowBlock block, RowProgram program, boolean oneStep) {
    context.makeCurrent();
    return plans.computeIfAbsent(
        Key.of("run", program, block, oneStep),
        key ->
            LaunchPlan.run(
                kernels, context.device(), program, key.columns, key.converted, key.oneStep));
  }

  /** The plan of evaluations. */
  LaunchPlan evaluation(RowBlock block, RowProgram program) {
    return sweep("evaluate_rows", block, program);
  }

  /** The plan of gradients. */
  LaunchPlan gradient(RowBlock block, RowProgram program) {
    return sweep("gradient_rows", block, program);
  }

  private LaunchPlan sweep(String kernel, RowBlock block, RowProgram program) {
    context.makeCurrent();
    return plans.computeIfAbsent(
        Key.of(kernel, program, block, false),
        key ->
            LaunchPlan.sweep(
                kernels, context.device(), program, kernel, key.columns, key.converted));
  }

  /** Whether a run takes a single fixed step that nobody measures. */
  static boolean isOneStep(RowProgram program, int outerIterations, @Nullable RowResults results) {
    return results == null
        && outerIterations == 1
        && program.innerSteps() == 1
        && program.stepRule() == StepRuleKind.FIXED
        && program.optimizer() != OptimizerKind.NESTEROV
        && program.optimizer() != OptimizerKind.ADAM;
  }
}
