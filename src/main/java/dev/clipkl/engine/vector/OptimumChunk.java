package dev.clipkl.engine.vector;

/**
 * A piece of a row on its way through the sweeps of a row optimum; it stays in the first-level
 * cache. All arrays have {@link #CAPACITY} entries, of which the first {@code length} are in use, a
 * multiple of {@link DoubleLanes#WIDTH}.
 */
final class OptimumChunk {
  /** Entries: the four arrays of 4 KiB that a loop uses fit a first-level cache. */
  static final int CAPACITY = 512;

  int length;

  /** {@code (h + offset) / lambda}: see {@code RowOptimum}. */
  final double[] distance = new double[CAPACITY];

  /** Out: {@code w = g(t)}. */
  final double[] ratio = new double[CAPACITY];

  /** Out: {@code w / (w f''(w))}; 0 where w is. */
  final double[] sensitivity = new double[CAPACITY];

  /** Out of {@code certify} alone: {@code w (w f''(w))}. */
  final double[] curvature = new double[CAPACITY];

  /** Out of {@code certify} alone: {@code f*(t)}. */
  final double[] conjugate = new double[CAPACITY];

  /**
   * Out of {@code certify} alone: {@code 1}, or {@code 1 + |log w|} where w comes from a logarithm.
   */
  final double[] roundings = new double[CAPACITY];

  /** What one loop leaves to the next. */
  final double[] scratch = new double[CAPACITY];
}
