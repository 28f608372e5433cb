package dev.clipkl.engine;

/** The clipped surrogate at one policy; reused, so fields are written. */
public final class SurrogatePoint {
  /** {@code sum p_old min(rho A, clip(rho) A) - lambda D(p)}. */
  public double surrogate;

  /** p_old-mass of the actions whose clip is active. */
  public double bindingMass;

  /** Number of actions whose clip is active. */
  public int bindingActions;

  /** p_old-mass of the actions outside the ratio band. */
  public double outsideMass;

  /** Largest error that rounding can have made in {@link #surrogate}. */
  public double evaluationError;

  /** Copies the surrogate, not the clip fractions. */
  void set(SurrogatePoint other) {
    surrogate = other.surrogate;
    evaluationError = other.evaluationError;
  }
}
