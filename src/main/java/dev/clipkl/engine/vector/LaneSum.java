package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.WIDTH;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * A sum over a row: float32 terms, float64 accumulation, in one order at any vector width.
 *
 * <p>Entry i is added to lane {@code i mod 16}, and at the end the lanes are added first to last
 * ({@code reduceLanes} leaves its order open). A loop with narrower vectors takes the lanes in
 * several passes: pass k has every entry whose lane is in {@code [k LANES, (k + 1) LANES)}.
 */
final class LaneSum {
  /** Float64 lanes in a vector: half a float32 vector's. */
  static final int HALF = DOUBLES.length();

  /** One accumulator per lane. */
  final double[] lanes = new double[WIDTH];

  void clear() {
    Arrays.fill(lanes, 0.0);
  }

  double total() {
    return total(lanes);
  }

  /** The sum of some numbers, first to last. */
  static double total(double[] sums) {
    double total = 0.0;
    for (double sum : sums) {
      total += sum;
    }
    return total;
  }

  /** Adds {@code sum terms[start + i]} over {@code length} entries. */
  void add(float[] terms, int start, int length) {
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector x = FloatVector.fromArray(SPECIES, terms, i);
        low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(lanes, lane);
      high.intoArray(lanes, lane + HALF);
    }
  }

  /** Adds {@code sum weights[i] |values[i] - center|} over {@code [start, start + length)}. */
  void addDistances(float[] weights, float[] values, float center, int start, int length) {
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector x =
            FloatVector.fromArray(SPECIES, values, i)
                .sub(center)
                .abs()
                .mul(FloatVector.fromArray(SPECIES, weights, i));
        low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(lanes, lane);
      high.intoArray(lanes, lane + HALF);
    }
  }

  /** Adds {@code sum a[aStart + i] b[bStart + i]} over {@code length} entries. */
  void addProducts(float[] a, int aStart, float[] b, int bStart, int length) {
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, lanes, lane + HALF);
      for (int i = lane; i < length; i += WIDTH) {
        FloatVector x =
            FloatVector.fromArray(SPECIES, a, aStart + i)
                .mul(FloatVector.fromArray(SPECIES, b, bStart + i));
        low = low.add(x.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(x.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(lanes, lane);
      high.intoArray(lanes, lane + HALF);
    }
  }
}
