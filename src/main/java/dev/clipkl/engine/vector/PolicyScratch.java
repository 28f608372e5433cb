package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.exp;

import java.util.Arrays;
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
    for (int i = 0; i < logits.length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, logits, i).sub(shiftLanes)).intoArray(mass, i);
    }
    Arrays.fill(mass, columns, mass.length, 0f);
    double normalizer = FloatLanes.sum(mass, mass.length);
    logNormalizer = (float) shift + Math.log(normalizer);
    inverseNormalizer = (float) (1.0 / normalizer);
  }
}
