package dev.clipkl.engine;

import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.RowTable;
import java.util.Locale;

/**
 * The ascent direction of an inner step, from the row gradient {@code g_a = p_a (G_a - E_p G)}.
 *
 * <p>{@code unit step} below is what a configured step size of 1 means.
 */
public enum OptimizerKind {
  /**
   * {@code g}; unit step 1 / L of the row (THEORY 3.3). Its steps may be far below the resolution
   * of float32 logits, so beside those a table keeps what rounding has taken from each, which the
   * next step adds again.
   */
  GRADIENT(0),
  /** Natural policy gradient {@code (G - E_p G) / lambda} (THEORY 6.1); unit step 1. */
  NATURAL(0),
  /** Diagonal Newton {@code (G - E_p G) / (lambda w f''(w))} (THEORY 6.2); unit step 1. */
  NEWTON(0),
  /**
   * {@code (G - E_p G) / (lambda max(w f''(w), f''(1)))}; unit step 1. For forward KL this is
   * {@code g / (lambda max(p, q))} (THEORY 6.3), for reverse KL the natural gradient.
   */
  PRECONDITIONED(0),
  /** Nesterov momentum on the gradient with adaptive restart; unit step 1 / L of the row. */
  NESTEROV(1),
  /** Adam on the gradient with moments 0.9 and 0.999; unit step 0.02 nats. */
  ADAM(2);

  private final int momentTables;

  OptimizerKind(int momentTables) {
    this.momentTables = momentTables;
  }

  /**
   * How many tables {@code [states, actions]} the optimizer keeps beside the logits.
   *
   * @param logits how these are stored
   */
  public int momentTables(RowTable.Precision logits) {
    return this == GRADIENT && logits == RowTable.Precision.FLOAT32 ? 1 : momentTables;
  }

  /** Whether a step larger than the unit step is never useful: the unit step solves its model. */
  boolean isUnitStepLargest() {
    return this == NATURAL || this == NEWTON;
  }

  /** The configuration's name. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The fastest kind with a convergence guarantee under backtracking (THEORY 6.6). */
  public static OptimizerKind recommendedFor(Divergence divergence) {
    return divergence instanceof ReverseKl ? NATURAL : PRECONDITIONED;
  }
}
