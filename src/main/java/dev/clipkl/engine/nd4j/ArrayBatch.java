package dev.clipkl.engine.nd4j;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.BatchArithmetic;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Row sweeps as ND4J operations on {@code [rows, padded]} float32 arrays, all of them preallocated;
 * reports in float64.
 *
 * <p>Padding repeats the row's last action, so that it changes no extreme, with probabilities of 0,
 * so that it changes no sum.
 */
final class ArrayBatch implements BatchArithmetic {
  /** Float32 rounding of log-probabilities and probabilities within the surrogate's sum. */
  private static final double EVALUATION_ERROR = 0x1p-21;

  /** Arrays besides policies and moments. */
  private static final int OWN_ARRAYS = 14;

  private final int slots;
  private final RowTransfer transfer;
  private final RowReductions reductions;
  private final SlotArray actions;
  private final SlotArray logReference;
  private final SlotArray reference;
  private final SlotArray actionValue;
  private final SlotArray advantage;
  private final SlotArray oldLogits;
  private final SlotArray oldProb;
  private final SlotArray side;
  private final SlotArray limit;
  private final SlotArray direction;
  private final SlotArray scratch1;
  private final SlotArray scratch2;
  private final SlotArray scratch3;
  private final SlotArray scratch4;
  private final List<SlotArray> owned;
  private final DirectionArrays directions;
  private final BatchSummary summary;
  private PolicyArrays current;
  private PolicyArrays proposed;

  private final double[] referenceMass;
  private final double[] oldLogNormalizer;
  private final double[] meanAbsoluteAdvantage;
  private final double[] squaredGradientNorm;
  private final boolean[] hasMoved;
  private @Nullable RowBlock block;
  private @Nullable RowProgram program;
  private Divergence divergence = Divergence.parse("reverse-kl");
  private ArrayDivergence arrayDivergence = ArrayDivergence.of(divergence);
  private int firstRow;
  private int loaded;

  ArrayBatch(int slots, RowLayout layout, OptimizerKind optimizer) {
    this.slots = slots;
    transfer = new RowTransfer(layout);
    reductions = new RowReductions(layout);
    SlotArray[] arrays = new SlotArray[OWN_ARRAYS];
    Arrays.setAll(arrays, i -> new SlotArray(DataType.FLOAT, slots, layout));
    owned = List.of(arrays);
    actions = arrays[0];
    logReference = arrays[1];
    reference = arrays[2];
    actionValue = arrays[3];
    advantage = arrays[4];
    oldLogits = arrays[5];
    oldProb = arrays[6];
    side = arrays[7];
    limit = arrays[8];
    direction = arrays[9];
    scratch1 = arrays[10];
    scratch2 = arrays[11];
    scratch3 = arrays[12];
    scratch4 = arrays[13];
    directions = new DirectionArrays(optimizer, slots, layout);
    current = new PolicyArrays(slots, layout);
    proposed = new PolicyArrays(slots, layout);
    summary = new BatchSummary(slots, layout, reductions);
    referenceMass = new double[slots];
    oldLogNormalizer = new double[slots];
    meanAbsoluteAdvantage = new double[slots];
    squaredGradientNorm = new double[slots];
    hasMoved = new boolean[slots];
    transfer.markActions(actions, slots);
  }

  /** Bytes of scratch memory, without the summary's. */
  static long bytesPerRow(RowLayout layout, OptimizerKind optimizer) {
    int arrays = OWN_ARRAYS + 2 * PolicyArrays.ARRAYS + DirectionArrays.arrays(optimizer);
    return (long) arrays * layout.padded() * Float.BYTES;
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public void begin(RowBlock newBlock, RowProgram newProgram, int newFirstRow) {
    block = newBlock;
    program = newProgram;
    firstRow = newFirstRow;
    loaded = Math.min(slots, newBlock.endRow() - newFirstRow);
    if (!newProgram.divergence().equals(divergence)) {
      divergence = newProgram.divergence();
      arrayDivergence = ArrayDivergence.of(divergence);
    }
  }

  private RowBlock block() {
    if (block == null) {
      throw new IllegalStateException("no batch has begun");
    }
    return block;
  }

  private RowProgram program() {
    if (program == null) {
      throw new IllegalStateException("no batch has begun");
    }
    return program;
  }

  @Override
  public void load(int first, int end) {
    ActorState actor = block().actor();
    transfer.read(actor.logits(), firstRow, current.logits, first, end);
    transfer.read(block().reference(), firstRow, logReference, first, end);
    transfer.read(block().actionValues(), firstRow, actionValue, first, end);
    for (int i = 0; i < directions.moments().size(); i++) {
      transfer.read(actor.moments().get(i), firstRow, directions.moments().get(i), first, end);
    }
    INDArray q = reference.rows(first, end);
    INDArray isAction = actions.rows(first, end);
    Elementwise.exp(logReference.rows(first, end), q);
    reductions.clearPadding(q, isAction);
    set(referenceMass, first, reductions.dot(q, isAction));
    current.normalize(first, end, isAction, reductions);
  }

  @Override
  public void store(int first, int end) {
    ActorState actor = block().actor();
    transfer.write(current.logits, first, end, actor.logits(), firstRow);
    for (int i = 0; i < directions.moments().size(); i++) {
      transfer.write(directions.moments().get(i), first, end, actor.moments().get(i), firstRow);
    }
  }

  @Override
  public void actionValueSpan(int first, int end, double[] spans) {
    set(spans, first, reductions.span(actionValue.rows(first, end)));
  }

  @Override
  public void anchor(int first, int end) {
    oldLogits.rows(first, end).assign(current.logits.rows(first, end));
    oldProb.rows(first, end).assign(current.prob.rows(first, end));
    System.arraycopy(current.logNormalizer, first, oldLogNormalizer, first, end - first);
    Arrays.fill(hasMoved, first, end, false);
    INDArray oldP = oldProb.rows(first, end);
    INDArray a = advantage.rows(first, end);
    INDArray s = side.rows(first, end);
    a.assign(actionValue.rows(first, end));
    a.subiColumnVector(Columns.floats(reductions.dot(oldP, a)));
    // 1 for A >= 0, -1 for A < 0; the clip is active where side (log p - log p_old) > limit.
    Elementwise.above(a, -Float.MIN_VALUE, s);
    double logUpper = program().clip().logUpper();
    double logLower = program().clip().logLower();
    s.muli(logUpper + logLower, limit.rows(first, end));
    limit.rows(first, end).subi(logLower);
    s.muli(2.0).subi(1.0);
    INDArray size = scratch1.rows(first, end);
    Elementwise.abs(a, size);
    set(meanAbsoluteAdvantage, first, reductions.dot(oldP, size));
  }

  @Override
  public void measure(int first, int end, SurrogatePoint[] points) {
    measure(current, first, end, points);
  }

  private void measure(PolicyArrays policy, int first, int end, SurrogatePoint[] points) {
    double lambda = program().lambda();
    INDArray logRatio = scratch1.rows(first, end);
    INDArray kept = scratch2.rows(first, end);
    INDArray derivative = scratch3.rows(first, end);
    INDArray scratch = scratch4.rows(first, end);
    INDArray clipped = policy.clipped.rows(first, end);
    INDArray advantages = advantage.rows(first, end);
    INDArray prob = policy.prob.rows(first, end);
    INDArray oldP = oldProb.rows(first, end);

    fillMoves(policy, first, end, clipped);
    clipped.muli(side.rows(first, end));
    clipped.subi(limit.rows(first, end));
    Elementwise.above(clipped, 0.0, clipped);
    double[] count = reductions.dot(actions.rows(first, end), clipped);
    set(policy.clippedActions, first, count);
    double[] bound = new double[end - first];
    double[] signedBound = bound;
    if (Arrays.stream(count).allMatch(actions -> actions == 0.0)) {
      kept = advantages;
    } else {
      advantages.muli(clipped, scratch);
      bound = reductions.dot(oldP, scratch);
      advantages.subi(scratch, kept);
      scratch.muli(side.rows(first, end));
      signedBound = reductions.dot(oldP, scratch);
    }
    double[] keptMean = reductions.dot(prob, kept);

    double[] logNormalizer = Arrays.copyOfRange(policy.logNormalizer, first, end);
    policy.logits.rows(first, end).subi(logReference.rows(first, end), logRatio);
    logRatio.subiColumnVector(Columns.floats(logNormalizer));
    // Float32 loses up to 5e-7 nats of the normaliser, the same for all actions: too much for a sum
    // of log-ratios, where it would not average out.
    logRatio.subiColumnVector(Columns.lost(logNormalizer));
    ArrayDivergence.Sums sums =
        arrayDivergence.measure(
            new ArrayDivergence.RatioArrays(
                prob,
                reference.rows(first, end),
                logRatio,
                derivative,
                policy.curvature.rows(first, end),
                scratch,
                keepsCurvature(),
                Arrays.copyOfRange(referenceMass, first, end),
                reductions));
    Elementwise.addScaled(-lambda, derivative, kept, policy.coefficient.rows(first, end));
    double epsilon = program().clip().clipEpsilon();
    for (int row = 0; row < end - first; row++) {
      SurrogatePoint point = points[first + row];
      policy.meanCoefficient[first + row] = keptMean[row] - lambda * sums.meanDerivative()[row];
      // A clipped action's term is (1 + epsilon side) A p_old.
      point.surrogate =
          keptMean[row] + bound[row] + epsilon * signedBound[row] - lambda * sums.divergence()[row];
      point.evaluationError = EVALUATION_ERROR * (lambda + meanAbsoluteAdvantage[first + row]);
    }
  }

  /** Whether anything reads {@code w f''(w)}. */
  private boolean keepsCurvature() {
    return program().stepRule() == StepRuleKind.SAFE || directions.readsCurvature();
  }

  /** {@code log p - log p_old}, exactly 0 where nothing has moved. */
  private void fillMoves(PolicyArrays policy, int first, int end, INDArray moves) {
    double[] shift = new double[end - first];
    for (int row = 0; row < shift.length; row++) {
      shift[row] = policy.logNormalizer[first + row] - oldLogNormalizer[first + row];
    }
    policy.logits.rows(first, end).subi(oldLogits.rows(first, end), moves);
    moves.subiColumnVector(Columns.floats(shift));
  }

  @Override
  public void countClipped(int first, int end, SurrogatePoint[] points) {
    if (!haveMoved(first, end)) {
      for (SurrogatePoint point : Arrays.copyOfRange(points, first, end)) {
        point.bindingMass = 0.0;
        point.bindingActions = 0;
        point.outsideMass = 0.0;
      }
      return;
    }
    INDArray clipped = current.clipped.rows(first, end);
    INDArray oldP = oldProb.rows(first, end);
    INDArray moves = scratch1.rows(first, end);
    INDArray outside = scratch2.rows(first, end);
    double[] mass = reductions.dot(oldP, clipped);
    fillMoves(current, first, end, moves);
    Elementwise.above(moves, program().clip().logUpper(), outside);
    double[] above = reductions.dot(oldP, outside);
    moves.negi();
    Elementwise.above(moves, -program().clip().logLower(), outside);
    double[] below = reductions.dot(oldP, outside);
    for (int row = 0; row < end - first; row++) {
      SurrogatePoint point = points[first + row];
      point.bindingMass = mass[row];
      point.bindingActions = (int) current.clippedActions[first + row];
      point.outsideMass = above[row] + below[row];
    }
  }

  /** Whether a row's policy is no longer its p_old. */
  private boolean haveMoved(int first, int end) {
    boolean moved = false;
    for (int slot = first; slot < end; slot++) {
      moved |= hasMoved[slot];
    }
    return moved;
  }

  @Override
  public void direction(int first, int end, int[] momentumSteps, AscentDirection[] results) {
    INDArray centred = scratch1.rows(first, end);
    INDArray gradient = scratch2.rows(first, end);
    INDArray ascent = direction.rows(first, end);
    fillGradient(first, end, centred, gradient);
    directions.fill(
        first,
        end,
        centred,
        gradient,
        current.curvature.rows(first, end),
        program().lambda(),
        divergence.curvatureAtReference(),
        momentumSteps,
        ascent);
    double[] slope = reductions.dot(gradient, ascent);
    set(squaredGradientNorm, first, reductions.dot(gradient, gradient));
    double[] momentumSlope = directions.momentumSlope(first, end, gradient, reductions);
    double[] span = reductions.span(ascent);
    for (int row = 0; row < end - first; row++) {
      AscentDirection result = results[first + row];
      result.slope = slope[row];
      result.momentumSlope = momentumSlope[row];
      result.span = span[row];
    }
  }

  @Override
  public void gradientNorm(int first, int end, double[] norms) {
    for (int slot = first; slot < end; slot++) {
      norms[slot] = Math.sqrt(squaredGradientNorm[slot]);
    }
  }

  /** {@code p (G - E_p G)}, by way of its second factor. */
  private void fillGradient(int first, int end, INDArray centred, INDArray gradient) {
    fillCentred(first, end, centred);
    centred.muli(current.prob.rows(first, end), gradient);
  }

  /** {@code G - E_p G}. */
  private void fillCentred(int first, int end, INDArray centred) {
    centred.assign(current.coefficient.rows(first, end));
    centred.subiColumnVector(
        Columns.floats(Arrays.copyOfRange(current.meanCoefficient, first, end)));
  }

  @Override
  public void coefficientSpan(int first, int end, double[] spans) {
    set(spans, first, reductions.span(current.coefficient.rows(first, end)));
  }

  @Override
  public void largestCurvature(int first, int end, double[] curvatures) {
    INDArray curvature = scratch1.rows(first, end);
    fillCentred(first, end, curvature);
    Elementwise.addScaled(
        -program().lambda(), current.curvature.rows(first, end), curvature, curvature);
    Elementwise.abs(curvature, curvature);
    set(curvatures, first, reductions.largest(curvature));
  }

  @Override
  public void propose(
      int first,
      int end,
      double[] steps,
      double[] momenta,
      double[] nextMomenta,
      SurrogatePoint[] points) {
    INDArray move = scratch1.rows(first, end);
    INDArray logits = proposed.logits.rows(first, end);
    move.assign(direction.rows(first, end));
    move.muliColumnVector(Columns.floats(Arrays.copyOfRange(steps, first, end)));
    current.logits.rows(first, end).addi(move, logits);
    directions.addLost(first, end, move, current.logits.rows(first, end), logits);
    directions.addMomentum(
        first,
        end,
        move,
        Arrays.copyOfRange(momenta, first, end),
        Arrays.copyOfRange(nextMomenta, first, end),
        logits);
    proposed.normalize(first, end, actions.rows(first, end), reductions);
    measure(proposed, first, end, points);
  }

  @Override
  public void accept(int first, int end) {
    if (end - first == loaded) {
      PolicyArrays swap = current;
      current = proposed;
      proposed = swap;
    } else {
      current.copy(proposed, first, end);
    }
    Arrays.fill(hasMoved, first, end, true);
    directions.accept(first, end);
  }

  @Override
  public void summarize(int first, int end, @Nullable RowOptimum[] optima, double[][] metrics) {
    INDArray moves = scratch1.rows(first, end);
    fillMoves(current, first, end, moves);
    BatchSummary.Inputs inputs =
        new BatchSummary.Inputs(
            current.logits, logReference, actionValue, oldProb, scratch1, actions);
    summary.fill(first, end, inputs, program(), arrayDivergence, optima, metrics);
  }

  @Override
  public void writeGradient(int first, int end, RowTable destination) {
    SurrogatePoint[] points = new SurrogatePoint[slots];
    Arrays.setAll(points, slot -> new SurrogatePoint());
    measure(current, first, end, points);
    fillGradient(first, end, scratch1.rows(first, end), direction.rows(first, end));
    transfer.write(direction, first, end, destination, firstRow);
  }

  private static void set(double[] perSlot, int first, double[] values) {
    System.arraycopy(values, 0, perSlot, first, values.length);
  }

  @Override
  public void close() {
    owned.forEach(SlotArray::close);
    current.close();
    proposed.close();
    directions.close();
    summary.close();
    reductions.close();
    transfer.close();
  }
}
