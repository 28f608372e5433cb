package dev.clipkl.engine.vector;

import java.util.Arrays;

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

  private float shift;
  private double massSum;
  double logNormalizer;
  float inverseNormalizer;

  PolicyScratch(int padded) {
    logits = new float[padded];
    mass = new float[padded];
    coefficient = new float[padded];
    curvature = new float[padded];
  }

  /** Begins a normalisation: {@link #addMass} for every piece of the row, then {@link #finish}. */
  void begin(double newShift) {
    shift = (float) newShift;
    massSum = 0.0;
  }

  /**
   * Computes the masses of a piece of the row.
   *
   * @param columns actions of the whole row, without the padding
   */
  void addMass(RowChunk chunk, int start, int length, int columns) {
    FloatLanes.shiftedExp(logits, shift, mass, start, length);
    if (start + length > columns) {
      Arrays.fill(mass, columns, start + length, 0f);
    }
    massSum += chunk.sum(mass, start, length);
  }

  void finish() {
    logNormalizer = shift + Math.log(massSum);
    inverseNormalizer = (float) (1.0 / massSum);
  }

  /**
   * Computes masses and normaliser from the logits.
   *
   * @param newShift close enough to the log-normaliser that e^{logit - shift} neither overflows nor
   *     vanishes for every action: the largest logit, or the normaliser before a bounded move
   * @param columns actions without the padding
   */
  void normalize(RowChunk chunk, double newShift, int columns) {
    begin(newShift);
    for (int start = 0; start < logits.length; start += RowChunk.CAPACITY) {
      addMass(chunk, start, Math.min(RowChunk.CAPACITY, logits.length - start), columns);
    }
    finish();
  }
}
