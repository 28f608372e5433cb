package dev.clipkl.bench;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.function.DoubleSupplier;

/**
 * One row program on some rows, timed as training runs it: one outer iteration of K inner steps per
 * visit to a row, with the metrics at its end and the exact gap among them.
 *
 * <p>Every sample begins at the reference policy, so that all samples do the same work.
 */
public final class TimedRows implements DoubleSupplier {
  /** Outer iterations before a timed one, in which backtracking finds its step sizes. */
  private static final int SETTLING_ITERATIONS = 2;

  private final Engine engine;
  private final RowProgram program;
  private final RowOptimum[] optima;
  private final RowBlock block;
  private final RowResults results;
  private final float[] row;

  /**
   * A program on the rows {@code [0, rows)} of these tables.
   *
   * @param actor the policy, written by every sample; may be shared, as samples do not overlap
   * @param optima of the program's objective, one per state
   * @param rows at least 1
   */
  public TimedRows(
      Engine engine,
      RowProgram program,
      ActorState actor,
      RowTable reference,
      RowTable rewards,
      RowOptimum[] optima,
      int rows) {
    this.engine = engine;
    this.program = program;
    this.optima = optima;
    double[] weights = new double[actor.states()];
    Arrays.fill(weights, 1.0);
    block = new RowBlock(actor, reference, rewards, weights, optima, 0, rows);
    results = new RowResults(1, actor.states(), program.innerSteps());
    row = new float[reference.columns()];
  }

  /** The same program on fewer rows. */
  public TimedRows withRows(int rows) {
    return new TimedRows(
        engine, program, block.actor(), block.reference(), block.actionValues(), optima, rows);
  }

  /** Number of rows. */
  public int rows() {
    return block.endRow();
  }

  /** What is run on every row. */
  public RowProgram program() {
    return program;
  }

  /** Starts again at the reference policy, with nothing remembered. */
  public void reset() {
    ActorState actor = block.actor();
    for (int r = 0; r < rows(); r++) {
      block.reference().readRow(r, row);
      actor.logits().writeRow(r, row);
      actor.stepSizes()[r] = Double.NaN;
      actor.momentumSteps()[r] = 0;
      actor.finished()[r] = false;
    }
  }

  /** One outer iteration on all rows. */
  public void run() {
    engine.run(block, program, 1, results);
  }

  /** One outer iteration of fixed steps on all rows, without metrics. */
  public void runUnreported() {
    engine.run(block, program, 1, null);
  }

  /** Seconds per entry and accepted inner step of one outer iteration. */
  @Override
  public double getAsDouble() {
    // Another program may have run in between: scratch memory for this one is made outside the
    // time.
    reset();
    run();
    reset();
    engine.keep(block, program);
    double seconds;
    try {
      if (program.stepRule() == StepRuleKind.BACKTRACKING) {
        for (int n = 0; n < SETTLING_ITERATIONS; n++) {
          run();
        }
      }
      long start = System.nanoTime();
      run();
      seconds = (System.nanoTime() - start) * 1e-9;
    } finally {
      engine.release(block);
    }
    return seconds / (sum(RowMetric.STEPS_TAKEN) * block.columns());
  }

  /** Inner steps accepted in the latest outer iteration, per row. */
  public double acceptedSteps() {
    return sum(RowMetric.STEPS_TAKEN) / rows();
  }

  /** Trial steps rejected in the latest outer iteration, per row. */
  public double rejectedSteps() {
    return sum(RowMetric.STEPS_REJECTED) / rows();
  }

  private double sum(RowMetric metric) {
    return Arrays.stream(results.metric(0, metric), 0, rows()).sum();
  }
}
