package dev.clipkl.engine;

import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/**
 * The sweeps over one row that a row program is made of. An engine is an implementation of these;
 * {@link RowLoop} decides their order.
 *
 * <p>A row holds three policies: p_old (the anchor), the current p, and a proposal. What is
 * measured at a policy follows from its logits alone, to the bit: it must not matter whether they
 * were read or have just been proposed. Implementations own scratch memory for one row and are used
 * by one thread.
 */
public interface RowArithmetic {

  /** Reads a row and normalises its logits; the current policy is then the stored one. */
  void load(RowBlock block, RowProgram program, int row);

  /**
   * The same before a visit of one step that nobody measures: {@link #anchor}, {@link #measure},
   * {@link #direction}, {@link #proposeLast} without a summary, {@link #accept} and {@link #store}
   * follow, each once, and {@link #actionValueSpan} may. What the point and the direction hold
   * afterwards is read by nobody; so the row need not be in hand before the step is known.
   */
  default void loadForOneStep(RowBlock block, RowProgram program, int row) {
    load(block, program, row);
  }

  /** Writes the current logits and moments back. */
  void store(RowBlock block, int row);

  /** {@code max Q - min Q} of the loaded row. */
  double actionValueSpan();

  /** Makes the current policy p_old, and {@code A = Q - E_{p_old} Q} the advantage. */
  void anchor();

  /**
   * The surrogate and the coefficients {@code G = A 1[clip inactive] - lambda f'(w)} at the current
   * policy.
   */
  void measure(SurrogatePoint point);

  /**
   * Fills the point's clip fractions at the current policy; only there, since a proposal that is
   * refused needs none.
   */
  void countClipped(SurrogatePoint point);

  /**
   * The ascent direction at the current policy, from the coefficients last measured there.
   *
   * <p>The direction's slope may be filled no sooner than by the next {@link #propose}, for the
   * step rules with trials; its span for the safe rule, and the slope along the momentum for
   * Nesterov's method, are filled at once.
   *
   * @param momentumSteps inner steps since the moments were reset, this one included; 1 makes the
   *     moments start from zero
   */
  void direction(int momentumSteps, AscentDirection direction);

  /**
   * Euclidean norm of the gradient at the current policy, whose direction was last taken; NaN where
   * the next proposal tells it, and another call after that gives it.
   */
  double gradientNorm();

  /** {@code max G - min G} at the current policy. */
  double coefficientSpan();

  /** {@code max_a |G_a - E_p G - lambda w_a f''(w_a)|} at the current policy. */
  double largestCurvature();

  /**
   * Proposes {@code theta + step * direction} and measures the surrogate there.
   *
   * <p>With Nesterov's velocity v: {@code v' = momentum v + step direction} and the proposal is
   * {@code theta + step direction + nextMomentum v'}.
   */
  void propose(double step, double momentum, double nextMomentum, SurrogatePoint point);

  /**
   * Proposes a step after which only {@link #summarize}, if anyone reads it, and {@link #store}
   * follow: the surrogate there need not be measured. Not for Nesterov's method.
   *
   * @param isSummarized whether {@link #summarize} follows; if not, nothing at all is measured
   */
  void proposeLast(double step, boolean isSummarized);

  /** Makes the proposal, and its velocity, the current policy. */
  void accept();

  /**
   * Fills the policy metrics of the current policy, and the ratio metrics against p_old.
   *
   * @param metrics indexed by {@link RowMetric#ordinal()}; only what the row's policies determine
   *     is written
   */
  void summarize(@Nullable RowOptimum optimum, double[] metrics);

  /**
   * Sums the current policy's probabilities by groups of actions.
   *
   * @param masses {@code [groups]}; overwritten
   */
  void groupMasses(ColumnGroups groups, double[] masses);

  /** Writes the gradient at the current policy, p_old, into row {@code row}. */
  void writeGradient(RowTable destination, int row);
}
