package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/** One policy of a row, with what was last measured there. */
final class PolicyScratch {
  /** Arrays that each instance holds. */
  static final int ARRAYS = 4;

  final float[] logits;

  /** {@code e^{logit - shift}}; times {@link #inverseNormalizer} it is p. Padding is 0. */
  final float[] mass;

  /** G. */
  final float[] coefficient;

  /** {@code w f''(w)}. */
  final float[] curvature;

  double logNormalizer;
  float inverseNormalizer;

  PolicyScratch(int padded) {
    logits = new float[padded];
    mass = new float[padded];
    coefficient = new float[padded];
    curvature = new float[padded];
  }

  /**
   * Computes masses and normaliser from the logits.
   *
   * @param shift close enough to the log-normaliser that e^{logit - shift} neither overflows nor
   *     vanishes for every action: the largest logit, or the normaliser before a bounded move
   * @param columns actions without the padding
   */
  void normalize(double shift, int columns) {
    FloatVector shiftLanes = broadcast((float) shift);
    DoubleVector sum = zeroSum();
    int whole = SPECIES.loopBound(columns);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector e = exp(FloatVector.fromArray(SPECIES, logits, i).sub(shiftLanes));
      e.intoArray(mass, i);
      sum = accumulate(sum, e);
    }
    if (whole < logits.length) {
      exp(FloatVector.fromArray(SPECIES, logits, whole).sub(shiftLanes)).intoArray(mass, whole);
      Arrays.fill(mass, columns, mass.length, 0f);
      sum = accumulate(sum, FloatVector.fromArray(SPECIES, mass, whole));
    }
    double normalizer = total(sum);
    logNormalizer = (float) shift + Math.log(normalizer);
    inverseNormalizer = (float) (1.0 / normalizer);
  }
}
