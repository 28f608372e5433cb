package dev.clipkl.engine.vector;

import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.SurrogatePoint;

/**
 * A way through an inner step of the row in hand: see the methods of the same names in {@link
 * dev.clipkl.engine.RowArithmetic}. Both ways give the same policy.
 */
interface StepSweeps {

  /** Reads the row in hand and normalises its logits. */
  void load(RowProgram program);

  /** The current policy has become p_old. */
  void anchor();

  void measure(SurrogatePoint point);

  void direction(int momentumSteps, AscentDirection direction);

  double gradientNorm();

  void propose(double step, double momentum, double nextMomentum, SurrogatePoint point);

  void proposeLast(double step, boolean isSummarized);

  /** {@code max Q - min Q}. */
  double actionValueSpan();

  /** Writes the current logits, and what rounding has taken from them, back. */
  void store();
}
