package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * A range of rows with all that their row programs read and write.
 *
 * @param actor logits and optimizer state; written
 * @param reference {@code log pi_ref}, {@code [states, actions]}, nats
 * @param actionValues Q, {@code [states, actions]}; the own state's regulariser is not inside
 * @param rowWeights factor on every step, per state: 1 in row mode, the visitation d in faithful
 *     mode
 * @param optima exact row optima per state, or null where the gap is not wanted
 * @param firstRow first row, inclusive
 * @param endRow last row, exclusive
 */
public record RowBlock(
    ActorState actor,
    RowTable reference,
    RowTable actionValues,
    double[] rowWeights,
    RowOptimum @Nullable [] optima,
    int firstRow,
    int endRow) {
  public RowBlock {
    int columns = actor.logits().columns();
    int states = actor.states();
    requireShape("reference", reference, states, columns);
    requireShape("action values", actionValues, states, columns);
    if (rowWeights.length != states || (optima != null && optima.length != states)) {
      throw new IllegalArgumentException(
          "row weights and optima must have one entry for each of %d states".formatted(states));
    }
    if (firstRow < 0 || endRow > states || firstRow >= endRow) {
      throw new IllegalArgumentException(
          "rows [%d, %d) are not within [0, %d)".formatted(firstRow, endRow, states));
    }
  }

  private static void requireShape(String name, RowTable table, int states, int columns) {
    if (table.rows() != states || table.columns() != columns) {
      throw new IllegalArgumentException(
          "%s must be [%d, %d], got [%d, %d]"
              .formatted(name, states, columns, table.rows(), table.columns()));
    }
  }

  /** Number of actions. */
  public int columns() {
    return actor.logits().columns();
  }
}
