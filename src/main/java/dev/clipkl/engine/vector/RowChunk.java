package dev.clipkl.engine.vector;

/**
 * A piece of a row that stays in the first-level cache between the sweeps over it.
 *
 * <p>All arrays have {@link #CAPACITY} entries, of which the first {@code length} are in use;
 * length is a multiple of {@link FloatLanes#BLOCK}. Padding behind a row's end has probabilities of
 * 0.
 */
final class RowChunk {
  /** Entries: the six or so arrays of 4 KiB that a loop uses fit a first-level cache. */
  static final int CAPACITY = 1024;

  /** Up to this log-ratio of two probabilities, nats, neither vanishes beside the other. */
  static final float LARGEST_LOG_RATIO = 60f;

  int length;

  /** Number of chunks of a row. */
  static int count(int padded) {
    return Math.ceilDiv(padded, CAPACITY);
  }

  /** Length of the chunk that begins at {@code start}. */
  static int length(int start, int padded) {
    return Math.min(CAPACITY, padded - start);
  }

  /** p. */
  final float[] prob = new float[CAPACITY];

  /** q. */
  final float[] reference = new float[CAPACITY];

  /** {@code log p - log q}. */
  final float[] logRatio = new float[CAPACITY];

  /** {@code (max Q - Q + offset) / lambda}: see {@code RowOptimum}. */
  final float[] optimumDistance = new float[CAPACITY];

  /** Out: {@code f'(w)}. */
  final float[] derivative = new float[CAPACITY];

  /** Out: {@code w f''(w)}. */
  final float[] curvature = new float[CAPACITY];

  /** {@code A 1[clip inactive]}. */
  final float[] keptAdvantage = new float[CAPACITY];

  /** Terms of a sum. */
  final float[] terms = new float[CAPACITY];

  /** What one loop leaves to the next. */
  final float[] scratch = new float[CAPACITY];

  /** Another. */
  final float[] scratch2 = new float[CAPACITY];

  private final LaneSum laneSum = new LaneSum();

  /** Out, added to: {@code sum p f'(w)}. */
  double meanDerivative;

  /** Out, added to: {@code sum q f(w)}. */
  double divergence;

  /** {@code sum terms[start + i]} over {@code length} entries: see {@link LaneSum}. */
  double sum(float[] terms, int start, int length) {
    laneSum.clear();
    laneSum.add(terms, start, length);
    return laneSum.total();
  }

  /** {@code sum a[i] b[i]} over {@code length} entries: see {@link LaneSum}. */
  double dot(float[] a, int aStart, float[] b, int bStart, int length) {
    laneSum.clear();
    laneSum.addProducts(a, aStart, b, bStart, length);
    return laneSum.total();
  }
}
