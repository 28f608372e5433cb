package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import dev.clipkl.table.TableSpace;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Everything that training changes, and so everything that a checkpoint holds.
 *
 * @param logits the policy, {@code [states, actions]}
 * @param moments the optimizer's tables, {@code [states, actions]} each
 * @param stepSizes last accepted first inner step per state; NaN before the first
 * @param momentumSteps inner steps since the optimizer's moments were last reset, per state
 * @param finished whether a state has reached its tolerance and is left alone
 */
public record ActorState(
    RowTable logits,
    List<RowTable> moments,
    double[] stepSizes,
    int[] momentumSteps,
    boolean[] finished) {

  /** A state with zero logits and nothing remembered, in memory. */
  public static ActorState allocate(
      Arena arena, RowTable.Precision precision, int states, int actions, OptimizerKind optimizer) {
    return allocate(TableSpace.inMemory(arena), precision, states, actions, optimizer);
  }

  /** A state with zero logits and nothing remembered. */
  public static ActorState allocate(
      TableSpace space,
      RowTable.Precision precision,
      int states,
      int actions,
      OptimizerKind optimizer) {
    double[] stepSizes = new double[states];
    Arrays.fill(stepSizes, Double.NaN);
    return new ActorState(
        space.allocate(precision, states, actions),
        IntStream.range(0, optimizer.momentTables(precision))
            .mapToObj(i -> space.allocate(precision, states, actions))
            .toList(),
        stepSizes,
        new int[states],
        new boolean[states]);
  }

  /** Number of states. */
  public int states() {
    return stepSizes.length;
  }
}
