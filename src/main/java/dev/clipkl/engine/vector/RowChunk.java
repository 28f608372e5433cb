package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * A piece of a row that stays in the first-level cache between the sweeps over it.
 *
 * <p>All arrays have {@link #CAPACITY} entries, of which the first {@code length} are in use;
 * length is a multiple of the vector width. Padding behind a row's end has probabilities of 0.
 */
final class RowChunk {
  /** Entries: the six or so arrays of 4 KiB that a loop uses fit a first-level cache. */
  static final int CAPACITY = 1024;

  int length;

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

  /** Out, added to: {@code sum p f'(w)}. */
  double meanDerivative;

  /** Out, added to: {@code sum q f(w)}. */
  double divergence;

  /** Lanes of a sum on their way to one number. */
  private final double[] lanes = new double[DOUBLES.length()];

  /** {@code sum terms[start + i]} over {@code length} entries, float64, in a fixed order. */
  double sum(float[] terms, int start, int length) {
    DoubleVector low = DoubleVector.zero(DOUBLES);
    DoubleVector high = DoubleVector.zero(DOUBLES);
    DoubleVector low2 = DoubleVector.zero(DOUBLES);
    DoubleVector high2 = DoubleVector.zero(DOUBLES);
    int end = start + length;
    int i = start;
    for (; i + LANES < end; i += 2 * LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, terms, i);
      FloatVector y = FloatVector.fromArray(SPECIES, terms, i + LANES);
      low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
      high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
      low2 = low2.add(y.convertShape(VectorOperators.F2D, DOUBLES, 0));
      high2 = high2.add(y.convertShape(VectorOperators.F2D, DOUBLES, 1));
    }
    if (i < end) {
      FloatVector x = FloatVector.fromArray(SPECIES, terms, i);
      low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
      high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
    }
    low.add(high).add(low2.add(high2)).intoArray(lanes, 0);
    return total();
  }

  /**
   * {@code sum a[i] b[i]} over {@code length} entries: float32 products, float64 accumulation in a
   * fixed order.
   */
  double dot(float[] a, int aStart, float[] b, int bStart, int length) {
    // Four accumulators: one alone would wait for its own last addition.
    DoubleVector low = DoubleVector.zero(DOUBLES);
    DoubleVector high = DoubleVector.zero(DOUBLES);
    DoubleVector low2 = DoubleVector.zero(DOUBLES);
    DoubleVector high2 = DoubleVector.zero(DOUBLES);
    int i = 0;
    for (; i + LANES < length; i += 2 * LANES) {
      FloatVector x =
          FloatVector.fromArray(SPECIES, a, aStart + i)
              .mul(FloatVector.fromArray(SPECIES, b, bStart + i));
      FloatVector y =
          FloatVector.fromArray(SPECIES, a, aStart + i + LANES)
              .mul(FloatVector.fromArray(SPECIES, b, bStart + i + LANES));
      low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
      high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
      low2 = low2.add(y.convertShape(VectorOperators.F2D, DOUBLES, 0));
      high2 = high2.add(y.convertShape(VectorOperators.F2D, DOUBLES, 1));
    }
    if (i < length) {
      FloatVector x =
          FloatVector.fromArray(SPECIES, a, aStart + i)
              .mul(FloatVector.fromArray(SPECIES, b, bStart + i));
      low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
      high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
    }
    low.add(high).add(low2.add(high2)).intoArray(lanes, 0);
    return total();
  }

  /** Lanes are added first to last: {@code reduceLanes} leaves its order open. */
  private double total() {
    double total = 0.0;
    for (double lane : lanes) {
      total += lane;
    }
    return total;
  }
}
