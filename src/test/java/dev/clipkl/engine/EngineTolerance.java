package dev.clipkl.engine;

/**
 * How far an engine may be from exact arithmetic: the one table of tolerances.
 *
 * @param value on values, divergences, gradients and metrics of order 1
 * @param probability on probabilities after a few outer iterations
 * @param logits on logits after a few outer iterations
 * @param monotonicity how much a certified step may seem to lower the value
 */
public record EngineTolerance(
    double value, double probability, double logits, double monotonicity) {

  /** Float64: rounding of sums of a few thousand terms. */
  public static final EngineTolerance FLOAT64 = new EngineTolerance(1e-12, 1e-12, 1e-12, 1e-13);

  /**
   * Float32 entries with float64 sums: 6e-8 rounding per logit, carried through tens of steps and
   * divided by lambda; probabilities are held tighter than values.
   */
  public static final EngineTolerance FLOAT32 = new EngineTolerance(1e-5, 1e-6, 2e-6, 2e-7);
}
