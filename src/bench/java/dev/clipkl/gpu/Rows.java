package dev.clipkl.gpu;

import dev.clipkl.bench.SyntheticRows;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A problem that every engine gets alike: Zipf references in random order, normal rewards.
 *
 * @param reference {@code log q}, nats, {@code [rows, columns]}
 * @param rewards {@code [rows, columns]}
 */
record Rows(RowTable reference, RowTable rewards) {
  private static final long SEED = 7;

  /**
   * Fills the tables.
   *
   * @param distinct rows that differ; the others repeat them
   * @param mean of the rewards
   * @param deviation of the rewards
   */
  static Rows create(
      Arena arena, int rows, int distinct, int columns, float mean, float deviation) {
    RowTable reference = RowTable.allocate(arena, rows, columns);
    RowTable rewards = RowTable.allocate(arena, rows, columns);
    SyntheticRows synthetic = new SyntheticRows(columns, SEED);
    float[] row = new float[columns];
    for (int d = 0; d < Math.min(distinct, rows); d++) {
      synthetic.readReference(d, row);
      for (int r = d; r < rows; r += distinct) {
        reference.writeRow(r, row);
      }
      synthetic.readRewards(d, row);
      for (int a = 0; a < columns; a++) {
        row[a] = mean + deviation * row[a];
      }
      for (int r = d; r < rows; r += distinct) {
        rewards.writeRow(r, row);
      }
    }
    return new Rows(reference, rewards);
  }

  /** A block of an engine's own on these rows, its policy at the reference. */
  @SuppressWarnings("NullAway") // Takes the array for one that must not be null.
  RowBlock block(Arena arena, Engine engine, RowProgram program, RowOptimum @Nullable [] optima) {
    int rows = Math.toIntExact(reference.rows());
    ActorState actor =
        ActorState.allocate(
            arena, engine.kind().precision(), rows, reference.columns(), program.optimizer());
    reset(actor);
    double[] weights = new double[rows];
    Arrays.fill(weights, 1.0);
    return new RowBlock(actor, reference, rewards, weights, optima, 0, rows);
  }

  /** Starts again at the reference, with nothing remembered. */
  void reset(ActorState actor) {
    float[] row = new float[reference.columns()];
    for (int r = 0; r < actor.states(); r++) {
      reference.readRow(r, row);
      actor.logits().writeRow(r, row);
    }
    actor
        .moments()
        .forEach(table -> {
          float[] zeros = new float[table.columns()];
          for (int r = 0; r < actor.states(); r++) {
            table.writeRow(r, zeros);
          }
        });
    Arrays.fill(actor.stepSizes(), Double.NaN);
    Arrays.fill(actor.momentumSteps(), 0);
    Arrays.fill(actor.finished(), false);
  }

  /** The exact optima, by an engine's sweeps. */
  RowOptimum[] optima(Engine engine, RowProgram program) {
    return RowOptima.solve(engine, program.divergence(), program.lambda(), reference, rewards);
  }
}
