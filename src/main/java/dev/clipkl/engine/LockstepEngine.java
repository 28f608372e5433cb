package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import java.util.function.ObjIntConsumer;
import org.jspecify.annotations.Nullable;

/** An engine that visits rows in batches, their row programs in lockstep. */
public abstract class LockstepEngine implements Engine {
  private int batchColumns;
  private OptimizerKind batchOptimizer = OptimizerKind.GRADIENT;
  private @Nullable BatchArithmetic batch;
  private @Nullable Lockstep lockstep;

  /** An engine without memory yet. */
  protected LockstepEngine() {}

  /** Scratch memory and sweeps for batches of rows of this many actions. */
  protected abstract BatchArithmetic createBatch(int columns, OptimizerKind optimizer);

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

  private void visit(RowBlock block, RowProgram program, ObjIntConsumer<RowLoop> task) {
    BatchArithmetic rows = batch;
    Lockstep loops = lockstep;
    if (rows == null
        || loops == null
        || batchColumns != block.columns()
        || batchOptimizer != program.optimizer()) {
      close();
      rows = createBatch(block.columns(), program.optimizer());
      loops = new Lockstep(rows);
      batch = rows;
      lockstep = loops;
      batchColumns = block.columns();
      batchOptimizer = program.optimizer();
    }
    for (int first = block.firstRow(); first < block.endRow(); first += rows.slots()) {
      int end = Math.min(block.endRow(), first + rows.slots());
      loops.visit(block, program, first, end, task);
    }
  }

  @Override
  public void close() {
    if (batch != null) {
      batch.close();
      batch = null;
      lockstep = null;
    }
  }
}
