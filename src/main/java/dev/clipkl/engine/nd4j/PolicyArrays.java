package dev.clipkl.engine.nd4j;

import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One policy of every row of a batch, with what was last measured there. */
final class PolicyArrays implements AutoCloseable {
  /** Arrays that each instance holds. */
  static final int ARRAYS = 5;

  final SlotArray logits;

  /** p; padding is 0. */
  final SlotArray prob;

  /** G. */
  final SlotArray coefficient;

  /** {@code w f''(w)}. */
  final SlotArray curvature;

  /** 1 where the clip is active, else 0. */
  final SlotArray clipped;

  /** Number of actions whose clip is active, per slot. */
  final double[] clippedActions;

  /** Per slot. */
  final double[] logNormalizer;

  /** {@code E_p[G]}, per slot. */
  final double[] meanCoefficient;

  PolicyArrays(int slots, RowLayout layout) {
    logits = new SlotArray(DataType.FLOAT, slots, layout);
    prob = new SlotArray(DataType.FLOAT, slots, layout);
    coefficient = new SlotArray(DataType.FLOAT, slots, layout);
    curvature = new SlotArray(DataType.FLOAT, slots, layout);
    clipped = new SlotArray(DataType.FLOAT, slots, layout);
    clippedActions = new double[slots];
    logNormalizer = new double[slots];
    meanCoefficient = new double[slots];
  }

  private Stream<SlotArray> arrays() {
    return Stream.of(logits, prob, coefficient, curvature, clipped);
  }

  /**
   * Computes p and the normaliser from the logits: {@code exp(theta - max theta)} and its sum.
   *
   * @param actions 1 for an action, 0 for padding, {@code [end - first, padded]}
   */
  void normalize(int first, int end, INDArray actions, RowReductions reductions) {
    INDArray mass = prob.rows(first, end);
    mass.assign(logits.rows(first, end));
    double[] shift = reductions.largest(mass);
    mass.subiColumnVector(Columns.floats(shift));
    Elementwise.exp(mass, mass);
    reductions.clearPadding(mass, actions);
    double[] sum = reductions.dot(mass, actions);
    double[] inverse = new double[sum.length];
    for (int row = 0; row < sum.length; row++) {
      logNormalizer[first + row] = shift[row] + Math.log(sum[row]);
      inverse[row] = 1.0 / sum[row];
    }
    mass.muliColumnVector(Columns.floats(inverse));
  }

  /** Takes over another policy's rows. */
  void copy(PolicyArrays other, int first, int end) {
    logits.rows(first, end).assign(other.logits.rows(first, end));
    prob.rows(first, end).assign(other.prob.rows(first, end));
    coefficient.rows(first, end).assign(other.coefficient.rows(first, end));
    curvature.rows(first, end).assign(other.curvature.rows(first, end));
    clipped.rows(first, end).assign(other.clipped.rows(first, end));
    System.arraycopy(other.clippedActions, first, clippedActions, first, end - first);
    System.arraycopy(other.logNormalizer, first, logNormalizer, first, end - first);
    System.arraycopy(other.meanCoefficient, first, meanCoefficient, first, end - first);
  }

  @Override
  public void close() {
    arrays().forEach(SlotArray::close);
  }
}
