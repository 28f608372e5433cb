package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** An engine that visits rows one at a time on the CPU. */
public abstract class RowEngine implements Engine {
  private final RowThreads threads;
  private int loopColumns;
  private OptimizerKind loopOptimizer = OptimizerKind.GRADIENT;
  private List<RowLoop> loops = List.of();

  /**
   * An engine with its own threads.
   *
   * @param threads at least 1
   */
  protected RowEngine(int threads) {
    this.threads = new RowThreads(threads);
  }

  /** Scratch memory and sweeps for rows of this many actions. */
  protected abstract RowArithmetic createArithmetic(int columns, OptimizerKind optimizer);

  @Override
  public int threads() {
    return threads.threads();
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results) {
    visit(block, program, (loop, row) -> loop.evaluate(block, program, row, results, null));
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results, GroupMasses masses) {
    visit(block, program, (loop, row) -> loop.evaluate(block, program, row, results, masses));
  }

  @Override
  public void run(
      RowBlock block, RowProgram program, int outerIterations, @Nullable RowResults results) {
    visit(block, program, (loop, row) -> loop.run(block, program, row, outerIterations, results));
  }

  @Override
  public void gradient(RowBlock block, RowProgram program, RowTable gradients) {
    visit(block, program, (loop, row) -> loop.gradient(block, program, row, gradients));
  }

  private void visit(RowBlock block, RowProgram program, RowThreads.RowTask<RowLoop> task) {
    if (loopColumns != block.columns() || loopOptimizer != program.optimizer()) {
      loopColumns = block.columns();
      loopOptimizer = program.optimizer();
      loops =
          Stream.generate(() -> new RowLoop(createArithmetic(loopColumns, loopOptimizer)))
              .limit(threads())
              .toList();
    }
    threads.visit(loops, block.firstRow(), block.endRow(), task);
  }

  @Override
  public void close() {
    threads.close();
  }
}
