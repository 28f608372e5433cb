package dev.clipkl.engine;

/** What the step rules need to know of a direction; reused, so fields are written. */
public final class AscentDirection {
  /** {@code <g, direction>}. */
  public double slope;

  /** {@code max - min} of the direction over the row. */
  public double span;

  /** {@code <g, velocity>} for momentum, else 0. */
  public double momentumSlope;
}
