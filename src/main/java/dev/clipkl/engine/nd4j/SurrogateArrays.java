package dev.clipkl.engine.nd4j;

import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.ClippedSurrogate;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The clipped surrogate of every row of a batch: p_old with its advantages and clips, and what it
 * is worth at another policy.
 */
final class SurrogateArrays implements AutoCloseable {
  /** Arrays that an instance holds. */
  static final int ARRAYS = 5;

  /**
   * Float32 rounding of the log-ratios in the surrogate's terms: with logits of 8 to 16 nats up to
   * 2^-21 nats, whatever a ratio's size.
   */
  private static final double EVALUATION_ERROR = 0x1p-21;

  /**
   * A batch's references.
   *
   * @param actions 1 for an action, 0 for padding
   * @param logProb log q, nats
   * @param prob q; padding is 0
   * @param mass the sum of {@code prob}, per slot
   */
  @SuppressWarnings("ArrayRecordComponent") // Filled as rows are loaded; never compared.
  record Reference(SlotArray actions, SlotArray logProb, SlotArray prob, double[] mass) {}

  private final RowReductions reductions;
  private final Reference reference;
  private final List<SlotArray> scratch;
  private final SlotArray advantage;
  private final SlotArray oldLogits;
  private final SlotArray oldProb;

  /** 1 for {@code A >= 0}, -1 for {@code A < 0}. */
  private final SlotArray side;

  /** The clip is active where {@code side (log p - log p_old) > limit}. */
  private final SlotArray limit;

  private final double[] oldLogNormalizer;
  private final double[] meanAbsoluteAdvantage;
  private final boolean[] hasMoved;

  /**
   * Room for a batch.
   *
   * @param scratch four arrays, overwritten by every method but {@link #fillMoves}
   */
  SurrogateArrays(
      int slots,
      RowLayout layout,
      RowReductions reductions,
      Reference reference,
      List<SlotArray> scratch) {
    this.reductions = reductions;
    this.reference = reference;
    this.scratch = scratch;
    advantage = new SlotArray(DataType.FLOAT, slots, layout);
    oldLogits = new SlotArray(DataType.FLOAT, slots, layout);
    oldProb = new SlotArray(DataType.FLOAT, slots, layout);
    side = new SlotArray(DataType.FLOAT, slots, layout);
    limit = new SlotArray(DataType.FLOAT, slots, layout);
    oldLogNormalizer = new double[slots];
    meanAbsoluteAdvantage = new double[slots];
    hasMoved = new boolean[slots];
  }

  /** p_old; padding is 0. */
  SlotArray oldProb() {
    return oldProb;
  }

  /** Makes the policy p_old and fixes its advantages. */
  void anchor(
      PolicyArrays policy, INDArray actionValues, ClippedSurrogate clip, int first, int end) {
    oldLogits.rows(first, end).assign(policy.logits.rows(first, end));
    oldProb.rows(first, end).assign(policy.prob.rows(first, end));
    System.arraycopy(policy.logNormalizer, first, oldLogNormalizer, first, end - first);
    Arrays.fill(hasMoved, first, end, false);
    INDArray oldP = oldProb.rows(first, end);
    INDArray a = advantage.rows(first, end);
    INDArray s = side.rows(first, end);
    a.assign(actionValues);
    a.subiColumnVector(Columns.floats(reductions.dot(oldP, a)));
    Elementwise.above(a, -Float.MIN_VALUE, s);
    double logUpper = clip.logUpper();
    double logLower = clip.logLower();
    s.muli(logUpper + logLower, limit.rows(first, end));
    limit.rows(first, end).subi(logLower);
    s.muli(2.0).subi(1.0);
    INDArray size = scratch.get(0).rows(first, end);
    Elementwise.abs(a, size);
    double[] mean = reductions.dot(oldP, size);
    System.arraycopy(mean, 0, meanAbsoluteAdvantage, first, mean.length);
  }

  /**
   * The surrogate at a policy, which also gets its coefficients and active clips.
   *
   * @param keepsCurvature whether anything reads {@code w f''(w)}
   */
  void measure(
      PolicyArrays policy,
      RowProgram program,
      ArrayDivergence divergence,
      boolean keepsCurvature,
      int first,
      int end,
      SurrogatePoint[] points) {
    double lambda = program.lambda();
    INDArray logRatio = scratch.get(0).rows(first, end);
    INDArray kept = scratch.get(1).rows(first, end);
    INDArray derivative = scratch.get(2).rows(first, end);
    INDArray terms = scratch.get(3).rows(first, end);
    INDArray clipped = policy.clipped.rows(first, end);
    INDArray advantages = advantage.rows(first, end);
    INDArray prob = policy.prob.rows(first, end);
    INDArray oldP = oldProb.rows(first, end);

    fillMoves(policy, first, end, clipped);
    clipped.muli(side.rows(first, end));
    clipped.subi(limit.rows(first, end));
    Elementwise.above(clipped, 0.0, clipped);
    double[] count = reductions.dot(reference.actions().rows(first, end), clipped);
    System.arraycopy(count, 0, policy.clippedActions, first, count.length);
    double[] bound = new double[end - first];
    double[] signedBound = bound;
    if (Arrays.stream(count).allMatch(actions -> actions == 0.0)) {
      kept = advantages;
    } else {
      advantages.muli(clipped, terms);
      bound = reductions.dot(oldP, terms);
      advantages.subi(terms, kept);
      terms.muli(side.rows(first, end));
      signedBound = reductions.dot(oldP, terms);
    }
    double[] keptMean = reductions.dot(prob, kept);

    double[] logNormalizer = Arrays.copyOfRange(policy.logNormalizer, first, end);
    policy.logits.rows(first, end).subi(reference.logProb().rows(first, end), logRatio);
    logRatio.subiColumnVector(Columns.floats(logNormalizer));
    // Float32 loses up to 5e-7 nats of the normaliser, the same for all actions: too much for a sum
    // of log-ratios, where it would not average out.
    logRatio.subiColumnVector(Columns.lost(logNormalizer));
    ArrayDivergence.Sums sums =
        divergence.measure(
            new ArrayDivergence.RatioArrays(
                prob,
                reference.prob().rows(first, end),
                logRatio,
                derivative,
                policy.curvature.rows(first, end),
                terms,
                keepsCurvature,
                Arrays.copyOfRange(reference.mass(), first, end),
                reductions));
    Elementwise.addScaled(-lambda, derivative, kept, policy.coefficient.rows(first, end));
    double epsilon = program.clip().clipEpsilon();
    for (int row = 0; row < end - first; row++) {
      SurrogatePoint point = points[first + row];
      policy.meanCoefficient[first + row] = keptMean[row] - lambda * sums.meanDerivative()[row];
      // A clipped action's term is (1 + epsilon side) A p_old.
      point.surrogate =
          keptMean[row] + bound[row] + epsilon * signedBound[row] - lambda * sums.divergence()[row];
      point.evaluationError = EVALUATION_ERROR * (lambda + meanAbsoluteAdvantage[first + row]);
    }
  }

  /** {@code log p - log p_old}, exactly 0 where nothing has moved. */
  void fillMoves(PolicyArrays policy, int first, int end, INDArray moves) {
    double[] shift = new double[end - first];
    for (int row = 0; row < shift.length; row++) {
      shift[row] = policy.logNormalizer[first + row] - oldLogNormalizer[first + row];
    }
    policy.logits.rows(first, end).subi(oldLogits.rows(first, end), moves);
    moves.subiColumnVector(Columns.floats(shift));
  }

  /** The rows' policies are no longer their p_old. */
  void markMoved(int first, int end) {
    Arrays.fill(hasMoved, first, end, true);
  }

  /** How much is clipped at a policy that {@link #measure} has seen last. */
  void countClipped(
      PolicyArrays policy, ClippedSurrogate clip, int first, int end, SurrogatePoint[] points) {
    if (!haveMoved(first, end)) {
      for (SurrogatePoint point : Arrays.copyOfRange(points, first, end)) {
        point.bindingMass = 0.0;
        point.bindingActions = 0;
        point.outsideMass = 0.0;
      }
      return;
    }
    INDArray clipped = policy.clipped.rows(first, end);
    INDArray oldP = oldProb.rows(first, end);
    INDArray moves = scratch.get(0).rows(first, end);
    INDArray outside = scratch.get(1).rows(first, end);
    double[] mass = reductions.dot(oldP, clipped);
    fillMoves(policy, first, end, moves);
    Elementwise.above(moves, clip.logUpper(), outside);
    double[] above = reductions.dot(oldP, outside);
    moves.negi();
    Elementwise.above(moves, -clip.logLower(), outside);
    double[] below = reductions.dot(oldP, outside);
    for (int row = 0; row < end - first; row++) {
      SurrogatePoint point = points[first + row];
      point.bindingMass = mass[row];
      point.bindingActions = (int) policy.clippedActions[first + row];
      point.outsideMass = above[row] + below[row];
    }
  }

  private boolean haveMoved(int first, int end) {
    boolean moved = false;
    for (int slot = first; slot < end; slot++) {
      moved |= hasMoved[slot];
    }
    return moved;
  }

  @Override
  public void close() {
    Stream.of(advantage, oldLogits, oldProb, side, limit).forEach(SlotArray::close);
  }
}
