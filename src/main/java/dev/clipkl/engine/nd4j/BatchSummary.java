package dev.clipkl.engine.nd4j;

import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Row metrics in float64, from the float32 logits: a policy's value and gap then carry no rounding
 * but that of its logits. A few rows at a time, so that float64 copies of a batch are not needed.
 */
final class BatchSummary implements AutoCloseable {
  private static final int ARRAYS = 14;

  /** Rows at a time are chosen to have about this many entries. */
  private static final int SLICE_ENTRIES = 1 << 18;

  private final int slice;
  private final RowReductions reductions;
  private final List<SlotArray> arrays;

  /** What a batch hands over, all slots; {@code moves} are {@code log p - log p_old}. */
  record Inputs(
      SlotArray logits,
      SlotArray logReference,
      SlotArray actionValue,
      SlotArray oldProb,
      SlotArray moves,
      SlotArray actions) {}

  BatchSummary(int slots, RowLayout layout, RowReductions reductions) {
    slice = slice(slots, layout);
    this.reductions = reductions;
    SlotArray[] doubles = new SlotArray[ARRAYS];
    Arrays.setAll(doubles, i -> new SlotArray(DataType.DOUBLE, slice, layout));
    arrays = List.of(doubles);
  }

  private static int slice(int slots, RowLayout layout) {
    return Math.clamp(SLICE_ENTRIES / layout.padded(), 1, slots);
  }

  /** Bytes of scratch memory. */
  static long bytes(int slots, RowLayout layout) {
    return (long) ARRAYS * slice(slots, layout) * layout.padded() * Double.BYTES;
  }

  void fill(
      int first,
      int end,
      Inputs inputs,
      RowProgram program,
      ArrayDivergence divergence,
      @Nullable RowOptimum[] optima,
      double[][] metrics) {
    for (int start = first; start < end; start += slice) {
      int stop = Math.min(end, start + slice);
      fillSlice(start, stop, inputs, program, divergence, optima, metrics);
    }
  }

  private void fillSlice(
      int start,
      int stop,
      Inputs inputs,
      RowProgram program,
      ArrayDivergence divergence,
      @Nullable RowOptimum[] optima,
      double[][] metrics) {
    int rows = stop - start;
    INDArray isAction = scratch(0, rows);
    INDArray logProb = scratch(1, rows);
    INDArray prob = scratch(2, rows);
    INDArray logRatio = scratch(3, rows);
    INDArray reference = scratch(4, rows);
    INDArray value = scratch(5, rows);
    isAction.assign(inputs.actions().rows(start, stop));
    normalize(inputs.logits().rows(start, stop), isAction, logProb, prob);
    value.assign(inputs.logReference().rows(start, stop));
    logProb.subi(value, logRatio);
    Elementwise.exp(value, reference);
    reductions.clearPadding(reference, isAction);
    value.assign(inputs.actionValue().rows(start, stop));

    double[] referenceMass = reductions.dot(reference, isAction);
    double[] reward = reductions.dot(prob, value);
    double[] policyToReference = reductions.dot(prob, logRatio);
    double[] referenceToPolicy = reductions.dot(reference, logRatio);
    double[] entropy = reductions.dot(prob, logProb);
    double[] minLogProb = reductions.least(logProb);
    double[] trained =
        divergence
            .measure(
                new ArrayDivergence.RatioArrays(
                    prob,
                    reference,
                    logRatio,
                    scratch(6, rows),
                    scratch(7, rows),
                    scratch(8, rows),
                    false,
                    referenceMass,
                    reductions))
            .divergence();
    for (int row = 0; row < rows; row++) {
      double[] rowMetrics = metrics[start + row];
      rowMetrics[RowMetric.VALUE.ordinal()] = reward[row] - program.lambda() * trained[row];
      rowMetrics[RowMetric.ACTION_VALUE.ordinal()] = reward[row];
      rowMetrics[RowMetric.DIVERGENCE.ordinal()] = trained[row];
      rowMetrics[RowMetric.KL_POLICY_TO_REFERENCE.ordinal()] = policyToReference[row];
      rowMetrics[RowMetric.KL_REFERENCE_TO_POLICY.ordinal()] = -referenceToPolicy[row];
      rowMetrics[RowMetric.ENTROPY.ordinal()] = -entropy[row];
      rowMetrics[RowMetric.MIN_LOG_PROB.ordinal()] = minLogProb[row];
    }
    fillGaps(
        start,
        rows,
        program,
        divergence,
        isAction,
        prob,
        reference,
        logRatio,
        value,
        optima,
        metrics);
    fillRatioMetrics(start, stop, inputs, metrics);
  }

  private INDArray scratch(int index, int rows) {
    return arrays.get(index).rows(0, rows);
  }

  private void normalize(INDArray logits, INDArray isAction, INDArray logProb, INDArray prob) {
    logProb.assign(logits);
    double[] shift = reductions.largest(logProb);
    logProb.subiColumnVector(Columns.doubles(shift));
    Elementwise.exp(logProb, prob);
    reductions.clearPadding(prob, isAction);
    double[] sum = reductions.dot(prob, isAction);
    double[] logSum = Arrays.stream(sum).map(Math::log).toArray();
    logProb.subiColumnVector(Columns.doubles(logSum));
    prob.diviColumnVector(Columns.doubles(sum));
  }

  private void fillGaps(
      int start,
      int rows,
      RowProgram program,
      ArrayDivergence divergence,
      INDArray isAction,
      INDArray prob,
      INDArray reference,
      INDArray logRatio,
      INDArray value,
      @Nullable RowOptimum[] optima,
      double[][] metrics) {
    double[] best = new double[rows];
    double[] offset = new double[rows];
    boolean isWanted = false;
    for (int row = 0; row < rows; row++) {
      RowOptimum optimum = optima[start + row];
      best[row] = optimum == null ? Double.NaN : optimum.largestActionValue();
      offset[row] = optimum == null ? Double.NaN : optimum.offset();
      isWanted |= optimum != null;
    }
    double[] gaps = best;
    if (isWanted) {
      INDArray distance = value;
      // The offset can be tiny beside max Q: it comes last.
      distance.subiColumnVector(Columns.doubles(best));
      distance.muli(-1.0);
      distance.addiColumnVector(Columns.doubles(offset));
      distance.divi(program.lambda());
      INDArray terms = scratch(6, rows);
      divergence.gapTerms(
          new ArrayDivergence.GapArrays(
              prob,
              reference,
              logRatio,
              distance,
              terms,
              scratch(7, rows),
              scratch(8, rows),
              scratch(9, rows),
              scratch(10, rows),
              scratch(11, rows)));
      gaps = reductions.dot(terms, isAction);
    }
    for (int row = 0; row < rows; row++) {
      // Rounding may leave a sum of zeros slightly below 0. NaN stays NaN.
      metrics[start + row][RowMetric.GAP.ordinal()] =
          optima[start + row] == null ? Double.NaN : program.lambda() * Math.max(gaps[row], 0.0);
    }
  }

  private void fillRatioMetrics(int start, int stop, Inputs inputs, double[][] metrics) {
    int rows = stop - start;
    INDArray moves = scratch(12, rows);
    INDArray oldProb = scratch(13, rows);
    INDArray excess = scratch(1, rows);
    moves.assign(inputs.moves().rows(start, stop));
    oldProb.assign(inputs.oldProb().rows(start, stop));
    double[] approxKl = reductions.dot(oldProb, moves);
    double[] least = reductions.least(moves);
    double[] largest = reductions.largest(moves);
    Elementwise.min(moves, ArrayDivergence.GapArrays.EXPONENT / 2.0, excess);
    Elementwise.exp(excess, excess);
    excess.subi(1.0);
    excess.muli(excess);
    double[] variance = reductions.dot(oldProb, excess);
    for (int row = 0; row < rows; row++) {
      double[] rowMetrics = metrics[start + row];
      rowMetrics[RowMetric.LOG_RATIO_MIN.ordinal()] = least[row];
      rowMetrics[RowMetric.LOG_RATIO_MAX.ordinal()] = largest[row];
      rowMetrics[RowMetric.RATIO_VARIANCE.ordinal()] = variance[row];
      rowMetrics[RowMetric.APPROX_KL.ordinal()] = -approxKl[row];
    }
  }

  @Override
  public void close() {
    arrays.forEach(SlotArray::close);
  }
}
