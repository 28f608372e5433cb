package dev.clipkl.engine.nd4j;

import dev.clipkl.engine.AdamMoments;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.table.RowTable;
import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * From coefficients to ascent directions, and the optimizers' moments: Nesterov's velocity, Adam's
 * two moments, or what rounding has taken from the logits.
 */
final class DirectionArrays implements AutoCloseable {
  private final OptimizerKind optimizer;
  private final List<SlotArray> moments = new ArrayList<>();
  private final List<SlotArray> proposed = new ArrayList<>();

  DirectionArrays(OptimizerKind optimizer, int slots, RowLayout layout) {
    this.optimizer = optimizer;
    for (int i = 0; i < optimizer.momentTables(RowTable.Precision.FLOAT32); i++) {
      moments.add(new SlotArray(DataType.FLOAT, slots, layout));
    }
    if (proposes(optimizer)) {
      proposed.add(new SlotArray(DataType.FLOAT, slots, layout));
    }
  }

  /** Arrays that an instance holds. */
  static int arrays(OptimizerKind optimizer) {
    return optimizer.momentTables(RowTable.Precision.FLOAT32) + (proposes(optimizer) ? 1 : 0);
  }

  /** Whether a proposal brings moments of its own. */
  private static boolean proposes(OptimizerKind optimizer) {
    return optimizer == OptimizerKind.NESTEROV || optimizer == OptimizerKind.GRADIENT;
  }

  /** The moments, in the order of their tables. */
  List<SlotArray> moments() {
    return moments;
  }

  /** Whether the direction divides by {@code w f''(w)}. */
  boolean readsCurvature() {
    return optimizer == OptimizerKind.NEWTON || optimizer == OptimizerKind.PRECONDITIONED;
  }

  /**
   * Writes the direction.
   *
   * @param centred {@code G - E_p G}
   * @param gradient {@code p (G - E_p G)}
   * @param referenceCurvature {@code f''(1)}
   * @param momentumSteps per slot; 1 makes the moments start from zero
   */
  void fill(
      int first,
      int end,
      INDArray centred,
      INDArray gradient,
      INDArray curvature,
      double lambda,
      double referenceCurvature,
      int[] momentumSteps,
      INDArray direction) {
    switch (optimizer) {
      case GRADIENT, NESTEROV -> {
        clearFirst(first, end, momentumSteps);
        direction.assign(gradient);
      }
      case NATURAL -> centred.divi(lambda, direction);
      case NEWTON, PRECONDITIONED -> {
        double least = optimizer == OptimizerKind.PRECONDITIONED ? referenceCurvature : 0.0;
        Elementwise.max(curvature, least, direction);
        direction.muli(lambda);
        centred.divi(direction, direction);
      }
      case ADAM -> {
        clearFirst(first, end, momentumSteps);
        adam(first, end, gradient, momentumSteps, direction, centred);
      }
    }
  }

  /** Sets the moments of rows that begin anew to zero. */
  private void clearFirst(int first, int end, int[] momentumSteps) {
    for (int slot = first; slot < end; slot++) {
      if (momentumSteps[slot] == 1) {
        for (SlotArray moment : moments) {
          moment.rows(slot, slot + 1).assign(0.0);
        }
      }
    }
  }

  /** {@code m1 c1 / (sqrt(m2 c2) + epsilon)}; the scratch array may be overwritten. */
  private void adam(
      int first,
      int end,
      INDArray gradient,
      int[] momentumSteps,
      INDArray direction,
      INDArray scratch) {
    INDArray first1 = moments.get(0).rows(first, end);
    INDArray second = moments.get(1).rows(first, end);
    double[] correction1 = new double[end - first];
    double[] correction2 = new double[end - first];
    for (int row = 0; row < end - first; row++) {
      int steps = momentumSteps[first + row];
      correction1[row] = AdamMoments.biasCorrection(AdamMoments.BETA1, steps);
      correction2[row] = AdamMoments.biasCorrection(AdamMoments.BETA2, steps);
    }
    first1.muli(AdamMoments.BETA1);
    Elementwise.addScaled(1.0 - AdamMoments.BETA1, gradient, first1, first1);
    gradient.muli(gradient, scratch);
    second.muli(AdamMoments.BETA2);
    Elementwise.addScaled(1.0 - AdamMoments.BETA2, scratch, second, second);
    scratch.assign(second);
    scratch.muliColumnVector(Columns.floats(correction2));
    Elementwise.sqrt(scratch, scratch);
    scratch.addi(AdamMoments.EPSILON);
    direction.assign(first1);
    direction.muliColumnVector(Columns.floats(correction1));
    direction.divi(scratch);
  }

  /** {@code <g, velocity>} per row; 0 without velocity. */
  double[] momentumSlope(int first, int end, INDArray gradient, RowReductions reductions) {
    return optimizer == OptimizerKind.NESTEROV
        ? reductions.dot(gradient, moments.get(0).rows(first, end))
        : new double[end - first];
  }

  /**
   * Adds {@code nextMomentum v'} to the proposal, {@code v' = momentum v + move}, with Nesterov's
   * velocity v.
   *
   * @param move {@code step direction}; overwritten
   * @param proposal in: {@code theta + move}
   */
  void addMomentum(
      int first,
      int end,
      INDArray move,
      double[] momenta,
      double[] nextMomenta,
      INDArray proposal) {
    if (optimizer != OptimizerKind.NESTEROV) {
      return;
    }
    INDArray next = proposed.get(0).rows(first, end);
    next.assign(moments.get(0).rows(first, end));
    next.muliColumnVector(Columns.floats(momenta));
    next.addi(move);
    move.assign(next);
    move.muliColumnVector(Columns.floats(nextMomenta));
    proposal.addi(move);
  }

  /**
   * Adds to the proposal what rounding has taken before, and keeps what it takes now.
   *
   * @param move {@code step direction}; overwritten
   * @param proposal out: {@code theta + move + lost}
   */
  void addLost(int first, int end, INDArray move, INDArray logits, INDArray proposal) {
    if (optimizer != OptimizerKind.GRADIENT) {
      return;
    }
    INDArray next = proposed.get(0).rows(first, end);
    move.addi(moments.get(0).rows(first, end));
    logits.addi(move, proposal);
    proposal.subi(logits, next);
    move.subi(next, next);
  }

  /** The proposals were accepted. */
  void accept(int first, int end) {
    if (proposes(optimizer)) {
      moments.get(0).rows(first, end).assign(proposed.get(0).rows(first, end));
    }
  }

  @Override
  public void close() {
    moments.forEach(SlotArray::close);
    proposed.forEach(SlotArray::close);
  }
}
