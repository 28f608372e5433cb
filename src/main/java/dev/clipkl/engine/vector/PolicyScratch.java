package dev.clipkl.engine.vector;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One policy of a row, with what was last measured there. Its arrays are padded to {@link
 * FloatLanes#BLOCK}.
 */
final class PolicyScratch {
  /** Normalisers between these bounds need no offset; others are brought near 1 by one. */
  private static final double LEAST_NORMALIZER = 0x1p-30;

  private static final double LARGEST_NORMALIZER = 0x1p30;

  private static final double LOG_2 = Math.log(2.0);

  final int columns;
  final float[] logits;

  /** What rounding has taken from each logit; empty where the optimizer does not keep it. */
  final float[] lost;

  /** {@code 2^-offset e^logit}; times {@link #inverseNormalizer} it is p. Padding is 0. */
  final float[] mass;

  /**
   * The action values as the clipped surrogate's gradient sees them: an action whose clip is active
   * has the value of advantage 0. Written only in the chunks that {@link #clippedChunks} marks.
   */
  final float[] clippedValue;

  /** G; written by the general sweeps alone. */
  final float[] coefficient;

  /** {@code w f''(w)}; written by the general sweeps alone. */
  final float[] curvature;

  private final LaneSum massSum = new LaneSum();

  /** Sums of the masses of each chunk. */
  private final double[] massSums;

  private int offset;

  /** {@code 2^-offset} times the normaliser. */
  double normalizer;

  double logNormalizer;
  float inverseNormalizer;

  /**
   * No logit of a chunk is further from p_old's than this: the longest moves of the steps between,
   * added up; infinite where they are not known.
   */
  final double[] moveBounds;

  /** Chunks in which some action's clip is active. */
  final boolean[] clippedChunks;

  /** The fused sweep's sums of each chunk. */
  final double[] firstSums;

  final double[] secondSums;

  /** {@code sum p_old (1 +- eps) A} over the actions whose clip is active. */
  double clippedSurrogate;

  /** Null until it is known. */
  @Nullable ClipCount clipCount;

  /** The centre that {@link #mean} was summed about; NaN when there are no sums. */
  float center = Float.NaN;

  /** {@code E_p} of the fused sweep's coefficients. */
  double mean;

  /** {@code E_p[clipped values] - lambda D(p)}. */
  double clippedObjective;

  PolicyScratch(int columns, boolean keepsLost) {
    this.columns = columns;
    int padded = FloatLanes.padded(columns);
    logits = new float[padded];
    lost = new float[keepsLost ? padded : 0];
    mass = new float[padded];
    int chunks = RowChunk.count(padded);
    moveBounds = new double[chunks];
    clippedChunks = new boolean[chunks];
    massSums = new double[chunks];
    firstSums = new double[chunks];
    secondSums = new double[chunks];
    clippedValue = new float[padded];
    coefficient = new float[padded];
    curvature = new float[padded];
  }

  /** Float arrays of a row's length that each instance holds. */
  static final int ARRAYS = 5;

  /** Logits of a piece of the row have been written: repeats the last one in the padding. */
  void padLogits(int start, int length) {
    if (start + length > columns) {
      Arrays.fill(logits, columns, logits.length, logits[columns - 1]);
    }
  }

  /** Begins a normalisation: {@link #addMass} for every piece of the row, then {@link #finish}. */
  void begin() {
    begin(0);
  }

  private void begin(int newOffset) {
    offset = newOffset;
    center = Float.NaN;
    clipCount = null;
  }

  /** Computes the masses of a piece of the row. */
  void addMass(int start, int length) {
    fillMass(start, length);
    sumMass(start, length);
  }

  /** Computes the masses of a piece of the row, which are summed elsewhere. */
  void fillMass(int start, int length) {
    FloatLanes.offsetExp(logits, offset, mass, start, length);
    clearPadding(start, length);
  }

  private void clearPadding(int start, int length) {
    if (start + length > columns) {
      Arrays.fill(mass, columns, mass.length, 0f);
    }
  }

  /** The masses of a piece of the row have been computed. */
  void sumMass(int start, int length) {
    clearPadding(start, length);
    massSum.clear();
    massSum.add(mass, start, length);
    keepMassSum(start, massSum);
  }

  /** The masses of a piece of the row have been summed. */
  void keepMassSum(int start, LaneSum sum) {
    massSums[start / RowChunk.CAPACITY] = sum.total();
  }

  /** {@link #padLogits} with what has no mass. */
  void padLogitsWithoutMass(int start, int length) {
    if (start + length > columns) {
      Arrays.fill(logits, columns, logits.length, FloatLanes.VANISHING_LOGIT);
    }
  }

  /**
   * Ends a normalisation. The offset follows from the logits alone, so that a policy has the same
   * masses whether it was proposed by a step or read from a table.
   *
   * @return whether the masses are those that were added; if not, they were computed again
   */
  boolean finish() {
    normalizer = LaneSum.total(massSums);
    boolean inRange = needsNoOffset(normalizer);
    if (!inRange) {
      float largest = FloatLanes.largest(logits, 0, logits.length);
      begin((int) Math.rint(largest / LOG_2));
      for (int start = 0; start < logits.length; start += RowChunk.CAPACITY) {
        addMass(start, Math.min(RowChunk.CAPACITY, logits.length - start));
      }
      normalizer = LaneSum.total(massSums);
    }
    // StrictMath: the same bits on every processor.
    logNormalizer = offset * LOG_2 + StrictMath.log(normalizer);
    inverseNormalizer = (float) (1.0 / normalizer);
    return inRange;
  }

  /** Whether {@link #mass} has an offset. */
  boolean hasOffset() {
    return offset != 0;
  }

  /** Whether masses with this sum and no offset are a policy's; written so that NaN's are not. */
  static boolean needsNoOffset(double normalizer) {
    return normalizer > LEAST_NORMALIZER && normalizer < LARGEST_NORMALIZER;
  }

  /** Computes masses and normaliser from the logits. */
  void normalize() {
    begin();
    for (int start = 0; start < logits.length; start += RowChunk.CAPACITY) {
      addMass(start, Math.min(RowChunk.CAPACITY, logits.length - start));
    }
    finish();
  }

  /** Nothing is known of the moves from p_old: every action may be outside the ratio band. */
  void forgetMoves() {
    Arrays.fill(moveBounds, Double.POSITIVE_INFINITY);
  }

  /** The policy becomes p_old: nothing has moved. */
  void becomeAnchor() {
    Arrays.fill(moveBounds, 0.0);
    clippedSurrogate = 0.0;
    clipCount = ClipCount.NONE;
  }
}
