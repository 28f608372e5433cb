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
import dev.clipkl.table.ColumnGroups;
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
  /** Arrays besides policies, surrogate and moments. */
  private static final int OWN_ARRAYS = 9;

  private final int slots;
  private final RowTransfer transfer;
  private final RowReductions reductions;
  private final SlotArray actions;
  private final SlotArray logReference;
  private final SlotArray reference;
  private final SlotArray actionValue;
  private final SlotArray direction;
  private final SlotArray scratch1;
  private final SlotArray scratch2;
  private final List<SlotArray> owned;
  private final SurrogateArrays surrogate;
  private final DirectionArrays directions;
  private final BatchSummary summary;
  private PolicyArrays current;
  private PolicyArrays proposed;

  private final double[] referenceMass;
  private final double[] squaredGradientNorm;
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
    direction = arrays[4];
    scratch1 = arrays[5];
    scratch2 = arrays[6];
    referenceMass = new double[slots];
    squaredGradientNorm = new double[slots];
    surrogate =
        new SurrogateArrays(
            slots,
            layout,
            reductions,
            new SurrogateArrays.Reference(actions, logReference, reference, referenceMass),
            owned.subList(5, OWN_ARRAYS));
    directions = new DirectionArrays(optimizer, slots, layout);
    current = new PolicyArrays(slots, layout);
    proposed = new PolicyArrays(slots, layout);
    summary = new BatchSummary(slots, layout, reductions);
    transfer.markActions(actions, slots);
  }

  /** Bytes of scratch memory, without the summary's. */
  static long bytesPerRow(RowLayout layout, OptimizerKind optimizer) {
    int arrays =
        OWN_ARRAYS
            + SurrogateArrays.ARRAYS
            + 2 * PolicyArrays.ARRAYS
            + DirectionArrays.arrays(optimizer);
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
    surrogate.anchor(current, actionValue.rows(first, end), program().clip(), first, end);
  }

  @Override
  public void measure(int first, int end, SurrogatePoint[] points) {
    measure(current, first, end, points);
  }

  private void measure(PolicyArrays policy, int first, int end, SurrogatePoint[] points) {
    boolean keepsCurvature =
        program().stepRule() == StepRuleKind.SAFE || directions.readsCurvature();
    surrogate.measure(policy, program(), arrayDivergence, keepsCurvature, first, end, points);
  }

  @Override
  public void countClipped(int first, int end, SurrogatePoint[] points) {
    surrogate.countClipped(current, program().clip(), first, end, points);
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
    surrogate.markMoved(first, end);
    directions.accept(first, end);
  }

  @Override
  public void summarize(int first, int end, @Nullable RowOptimum[] optima, double[][] metrics) {
    surrogate.fillMoves(current, first, end, scratch1.rows(first, end));
    BatchSummary.Inputs inputs =
        new BatchSummary.Inputs(
            current.logits, logReference, actionValue, surrogate.oldProb(), scratch1, actions);
    summary.fill(first, end, inputs, program(), arrayDivergence, optima, metrics);
  }

  @Override
  public void groupMasses(int first, int end, ColumnGroups groups, double[][] masses) {
    for (int slot = first; slot < end; slot++) {
      groups.sum(transfer.read(current.prob, slot), masses[slot]);
    }
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
    surrogate.close();
    directions.close();
    summary.close();
    reductions.close();
    transfer.close();
  }
}
