package dev.clipkl.engine.vector;

import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.table.RowTable;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A visit of one step that nobody measures, in one pass over the row's memory: chunk by chunk it is
 * moved by a {@link StreamedSweep}, and summed up for the next visit. Normaliser and mean
 * coefficient are those of the visit before ({@link CarriedRows}), or come from a pass of their
 * own; either way they are, to the bit, what {@link FusedSteps} would have computed.
 *
 * <p>No clip is active at p_old, so there is none to look for.
 */
final class StreamedStep implements StepSweeps {
  private final StreamedSweep sweep;
  private final CarriedRows carried;
  private final boolean keepsLost;
  private final int columns;

  /** Entries before the row's last, partial block. */
  private final int whole;

  private final RowMemory row = new RowMemory();
  private final RowMemory tail = RowMemory.ofOneBlock();
  private @Nullable RowBlock block;
  private int index;

  /** What action values are summed about: the row's first, as {@link FusedSteps} does. */
  private float center;

  private double mean;

  /** {@code sum e^logit} of the policy that was measured last. */
  private double normalizer;

  private double actionValueSpan;

  /** Whether rounding has taken nothing from the logits yet. */
  private boolean losesFirst;

  StreamedStep(int columns, boolean keepsLost, StreamedSweep sweep, CarriedRows carried) {
    this.columns = columns;
    this.keepsLost = keepsLost;
    this.sweep = sweep;
    this.carried = carried;
    whole = columns - columns % FloatLanes.BLOCK;
  }

  /**
   * Takes a row in hand.
   *
   * @return whether it can go this way: its tables lie in memory as float32, and the masses of its
   *     policy need no offset
   */
  boolean begin(RowBlock newBlock, RowProgram program, int newIndex) {
    MemorySegment logits = newBlock.actor().logits().floats(newIndex);
    MemorySegment logReference = newBlock.reference().floats(newIndex);
    MemorySegment actionValue = newBlock.actionValues().floats(newIndex);
    MemorySegment lost =
        keepsLost ? newBlock.actor().moments().getFirst().floats(newIndex) : MemorySegment.NULL;
    if (logits == null || logReference == null || actionValue == null || lost == null) {
      return false;
    }
    row.logits = logits;
    row.logReference = logReference;
    row.actionValue = actionValue;
    row.lost = lost;
    block = newBlock;
    index = newIndex;
    sweep.lambda = (float) program.lambda();
    center = row.firstActionValue();
    return takeSums(newBlock);
  }

  /** Normaliser and mean coefficient of the row's policy. */
  private boolean takeSums(RowBlock of) {
    if (carried.isKnown(of, index)) {
      normalizer = carried.normalizer(index);
      mean = carried.mean(index);
      actionValueSpan = carried.actionValueSpan(index);
      return true;
    }
    actionValueSpan = Double.NaN;
    pass(false, 0f);
    return PolicyScratch.needsNoOffset(normalizer);
  }

  @Override
  public void proposeLast(double step, boolean isSummarized) {
    RowBlock of = block();
    row.logits = writable(of.actor().logits());
    if (keepsLost) {
      row.lost = writable(of.actor().moments().getFirst());
      losesFirst = of.actor().momentumSteps()[index] == 0;
    }
    pass(true, (float) step);
    if (PolicyScratch.needsNoOffset(normalizer)) {
      carried.keep(of, index, normalizer, mean, actionValueSpan);
    }
  }

  private RowBlock block() {
    if (block == null) {
      throw new IllegalStateException("no row has been taken in hand");
    }
    return block;
  }

  private MemorySegment writable(RowTable table) {
    MemorySegment memory = table.writableFloats(index);
    if (memory == null) {
      throw new IllegalStateException("row %d cannot be written in place".formatted(index));
    }
    return memory;
  }

  /** Sums up the row; chunk by chunk, as everywhere, since sums have one order. */
  private void pass(boolean moves, float step) {
    float inverseNormalizer = (float) (1.0 / normalizer);
    double newNormalizer = 0.0;
    double first = 0.0;
    for (int start = 0; start < columns; start += RowChunk.CAPACITY) {
      int end = Math.min(start + RowChunk.CAPACITY, columns);
      sweep.masses.clear();
      sweep.first.clear();
      int length = Math.min(end, whole) - start;
      if (moves) {
        if (losesFirst) {
          row.clearLost(start, end - start);
        }
        sweep.move(row, inverseNormalizer, mean, step, start, length);
      }
      sweep.measure(row, center, start, length);
      if (end > whole) {
        passTail(moves, inverseNormalizer, step);
      }
      newNormalizer += sweep.masses.total();
      first += sweep.first.total();
    }
    normalizer = newNormalizer;
    mean = FusedSweep.mean(first, newNormalizer, center);
  }

  private void passTail(boolean moves, float inverseNormalizer, float step) {
    int count = columns - whole;
    tail.read(row, whole, count, keepsLost);
    if (moves) {
      sweep.move(tail, inverseNormalizer, mean, step, 0, FloatLanes.BLOCK);
      tail.write(row, whole, count, keepsLost);
      tail.pad(count);
    }
    sweep.measure(tail, center, 0, FloatLanes.BLOCK);
  }

  @Override
  public double actionValueSpan() {
    if (Double.isNaN(actionValueSpan)) {
      actionValueSpan = row.actionValueSpan(columns);
    }
    return actionValueSpan;
  }

  /** What a step depends on is known. */
  @Override
  public void anchor() {}

  @Override
  public void measure(SurrogatePoint point) {}

  @Override
  public void direction(int momentumSteps, AscentDirection direction) {}

  /** The step has written the row. */
  @Override
  public void store() {}

  @Override
  public void load(RowProgram program) {
    throw isOneStep();
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    throw isOneStep();
  }

  @Override
  public double gradientNorm() {
    throw isOneStep();
  }

  private static IllegalStateException isOneStep() {
    return new IllegalStateException("a streamed visit is one last step that nobody measures");
  }
}
