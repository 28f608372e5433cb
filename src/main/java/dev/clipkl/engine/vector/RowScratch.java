package dev.clipkl.engine.vector;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The row in hand: what was read of it, and its policies. It is copied into these arrays once per
 * visit, chunk by chunk within the visit's first sweep, and stays in cache for all its inner steps.
 *
 * <p>Arrays are padded to {@link FloatLanes#BLOCK}. Padding repeats the row's last action, so that
 * it changes no minimum or maximum, and has probabilities of 0, so that it changes no sum.
 */
final class RowScratch {
  /** Own arrays of a row's length. */
  private static final int OWN_ARRAYS = 3;

  final int columns;
  final int padded;
  final RowChunk chunk = new RowChunk();

  /** Where the clip is active. */
  final ClipSweep clipSweep = new ClipSweep(chunk);

  /** log q, nats. */
  final float[] logReference;

  /** q; see {@link #provideReference}. */
  final float[] reference;

  /** Q. */
  final float[] actionValue;

  /** Whether what rounding takes from the logits is kept. */
  final boolean keepsLost;

  float lambda;
  ClippedSurrogate clip = ClippedSurrogate.of(0.2);

  /** Whether steps are judged by the surrogate. */
  boolean judgesSteps;

  /** {@code sum q}, 1 up to rounding. */
  double referenceSum;

  /** {@code E_{p_old} Q}: the baseline of the advantages. */
  float meanActionValue;

  /** {@code E_{p_old} |A|}. */
  double meanAbsoluteAdvantage;

  /** p_old; the same object as {@link #current} until a step is accepted. */
  PolicyScratch old;

  PolicyScratch current;
  PolicyScratch proposed;

  /** Neither of the three, while p_old is the current policy. */
  private PolicyScratch spare;

  private final LaneSum referenceMass = new LaneSum();
  private final LaneSum meanSum = new LaneSum();
  private final LaneSum distanceSum = new LaneSum();
  private @Nullable RowBlock block;
  private int index;

  /** The row's numbers where they can be read without a copy. */
  private @Nullable MemorySegment logitMemory;

  private @Nullable MemorySegment referenceMemory;
  private @Nullable MemorySegment valueMemory;
  private boolean referenceReady;
  private boolean meanReady;

  /** Whether the baseline of the policy that was read is known already. */
  private boolean nextMeanReady;

  /** Whether rounding has taken nothing from the current logits yet. */
  private boolean nothingLost;

  /** Whether the proposal takes the current policy's place at once. */
  private boolean movesInPlace;

  RowScratch(int columns, OptimizerKind optimizer) {
    this.columns = columns;
    padded = FloatLanes.padded(columns);
    logReference = new float[padded];
    reference = new float[padded];
    actionValue = new float[padded];
    keepsLost = optimizer == OptimizerKind.GRADIENT;
    current = new PolicyScratch(columns, keepsLost);
    proposed = new PolicyScratch(columns, keepsLost);
    spare = new PolicyScratch(columns, keepsLost);
    old = current;
  }

  /** Float arrays of a row's length that an instance holds. */
  static int arrays(OptimizerKind optimizer) {
    return OWN_ARRAYS + 3 * (PolicyScratch.ARRAYS + (optimizer == OptimizerKind.GRADIENT ? 1 : 0));
  }

  /**
   * Takes a row in hand: {@link #read} or {@link #readWithMass} for every piece of it follows, in
   * order.
   */
  void begin(RowBlock newBlock, RowProgram program, int row) {
    block = newBlock;
    index = row;
    lambda = (float) program.lambda();
    clip = program.clip();
    judgesSteps = program.stepRule() == StepRuleKind.BACKTRACKING;
    nothingLost = newBlock.actor().momentumSteps()[row] == 0;
    logitMemory = newBlock.actor().logits().floats(row);
    referenceMemory = newBlock.reference().floats(row);
    valueMemory = newBlock.actionValues().floats(row);
    referenceReady = false;
    nextMeanReady = false;
    movesInPlace = false;
    Arrays.fill(current.clippedChunks, false);
  }

  /** Reads a piece of the row. */
  void read(int start, int length) {
    int count = Math.min(length, columns - start);
    readLost(start, count);
    copy(start, length, count);
  }

  /** Reads a piece of the row and computes the masses of its logits, without an offset. */
  void readWithMass(int start, int length) {
    int count = Math.min(length, columns - start);
    readLost(start, count);
    if (logitMemory != null && referenceMemory != null && valueMemory != null && count == length) {
      FloatLanes.offsetExp(
          logitMemory,
          current.logits,
          referenceMemory,
          logReference,
          valueMemory,
          actionValue,
          0,
          current.mass,
          start,
          length);
      current.sumMass(start, length);
    } else {
      copy(start, length, count);
      current.addMass(start, length);
    }
  }

  private void copy(int start, int length, int count) {
    block().actor().logits().readPiece(index, current.logits, start, count);
    block().reference().readPiece(index, logReference, start, count);
    block().actionValues().readPiece(index, actionValue, start, count);
    if (count < length) {
      current.padLogits(start, length);
      Arrays.fill(logReference, columns, padded, logReference[columns - 1]);
      Arrays.fill(actionValue, columns, padded, actionValue[columns - 1]);
    }
  }

  private void readLost(int start, int count) {
    if (!keepsLost) {
      return;
    }
    if (nothingLost) {
      Arrays.fill(current.lost, start, start + count, 0f);
    } else {
      block().actor().moments().getFirst().readPiece(index, current.lost, start, count);
    }
  }

  private RowBlock block() {
    if (block == null) {
      throw new IllegalStateException("no row has been taken in hand");
    }
    return block;
  }

  /** {@code max Q - min Q}. */
  double actionValueSpan() {
    return FloatLanes.largest(actionValue, 0, padded) - FloatLanes.least(actionValue, 0, padded);
  }

  /** Writes the logits back. */
  void store() {
    block().actor().logits().writeRow(index, current.logits);
    if (keepsLost) {
      block().actor().moments().getFirst().writeRow(index, current.lost);
    }
  }

  /** The next step begins with nothing lost. */
  void forgetLost() {
    if (!nothingLost) {
      Arrays.fill(current.lost, 0f);
      nothingLost = true;
    }
  }

  /** Computes q of a piece of the row, and no more; for every piece of it, in order. */
  void fillReference(int start, int length) {
    FloatLanes.offsetExp(logReference, 0, reference, start, length);
    if (start + length > columns) {
      Arrays.fill(reference, columns, padded, 0f);
    }
    referenceReady = start + length == padded;
  }

  /** Computes q of a piece of the row, and its sum; for every piece of it, in order. */
  void addReference(int start, int length) {
    if (start == 0) {
      referenceMass.clear();
    }
    fillReference(start, length);
    referenceMass.add(reference, start, length);
    if (start + length == padded) {
      referenceSum = referenceMass.total();
    }
  }

  /** Computes q, where that has not been done. */
  void provideReference() {
    if (!referenceReady) {
      addReference(0, padded);
    }
  }

  /** Whether q has been computed: reverse KL reads it for its metrics alone. */
  boolean hasReference() {
    return referenceReady;
  }

  /** The current policy becomes p_old. */
  void anchor() {
    if (old != current) {
      spare = old;
      old = current;
    }
    current.becomeAnchor();
    clipSweep.anchor(current);
    meanReady = nextMeanReady;
    nextMeanReady = false;
  }

  /** Begins the baseline's sum: {@link #addMeanActionValue} for every piece follows, in order. */
  void beginMeanActionValue() {
    meanSum.clear();
  }

  /** Adds a piece's share of the advantages' baseline under the current policy. */
  void addMeanActionValue(int start, int length) {
    meanSum.addProducts(current.mass, start, actionValue, start, length);
  }

  /** Ends the sum over the current policy, which has its normaliser and is p_old next. */
  void finishMeanActionValue() {
    meanActionValue = (float) (meanSum.total() / current.normalizer);
    nextMeanReady = true;
  }

  /** Computes the advantages' baseline, where that has not been done since {@link #anchor}. */
  void provideMeanActionValue() {
    if (!meanReady) {
      meanSum.clear();
      meanSum.addProducts(old.mass, 0, actionValue, 0, padded);
      meanActionValue = (float) (meanSum.total() / old.normalizer);
      meanReady = true;
    }
  }

  /** Computes {@link #meanAbsoluteAdvantage}, right after {@link #anchor}. */
  void computeMeanAbsoluteAdvantage() {
    provideMeanActionValue();
    distanceSum.clear();
    distanceSum.addDistances(current.mass, actionValue, meanActionValue, 0, padded);
    meanAbsoluteAdvantage = distanceSum.total() / current.normalizer;
  }

  /**
   * What a step moves the current policy to: the current policy itself where the step is sure to be
   * accepted, so that less memory stays in use.
   */
  PolicyScratch proposal() {
    movesInPlace = !judgesSteps && current != old;
    return movesInPlace ? current : proposed;
  }

  /** What the clip makes of the current policy. */
  ClipCount countClipped() {
    ClipCount count = current.clipCount;
    if (count == null) {
      clipSweep.begin(current, clip);
      if (clipSweep.mayClip(current)) {
        provideMeanActionValue();
        count = clipSweep.count(current, actionValue, meanActionValue);
      } else {
        count = ClipCount.NONE;
      }
      current.clipCount = count;
    }
    return count;
  }

  /** The proposal becomes the current policy. */
  void accept() {
    nothingLost = false;
    if (movesInPlace) {
      return;
    }
    PolicyScratch left = current;
    current = proposed;
    proposed = left == old ? spare : left;
  }
}
