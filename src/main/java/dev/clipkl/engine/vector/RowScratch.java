package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * The row in hand: what was read of it, and its policies. It is copied into these arrays once per
 * visit and stays in cache for all its inner steps.
 *
 * <p>Arrays are padded to {@link FloatLanes#WIDTH}. Padding repeats the row's last action, so that
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

  private boolean referenceReady;
  private boolean meanReady;

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

  /** Reads a row; its logits are not normalised yet. */
  void load(RowBlock block, RowProgram program, int row) {
    lambda = (float) program.lambda();
    clip = program.clip();
    judgesSteps = program.stepRule() == StepRuleKind.BACKTRACKING;
    block.actor().logits().readRow(row, current.logits);
    block.reference().readRow(row, logReference);
    block.actionValues().readRow(row, actionValue);
    if (keepsLost) {
      block.actor().moments().getFirst().readRow(row, current.lost);
    }
    current.padLogits(0, padded);
    Arrays.fill(logReference, columns, padded, logReference[columns - 1]);
    Arrays.fill(actionValue, columns, padded, actionValue[columns - 1]);
    referenceReady = false;
    Arrays.fill(current.clippedChunks, false);
  }

  /** Writes the logits back. */
  void store(RowBlock block, int row) {
    block.actor().logits().writeRow(row, current.logits);
    if (keepsLost) {
      RowTable lost = block.actor().moments().getFirst();
      lost.writeRow(row, current.lost);
    }
  }

  /** Computes q, where that has not been done: reverse KL reads it for its metrics alone. */
  void provideReference() {
    if (!referenceReady) {
      FloatLanes.exp(logReference, 1f, reference, padded);
      Arrays.fill(reference, columns, padded, 0f);
      referenceSum = chunk.sum(reference, 0, padded);
      referenceReady = true;
    }
  }

  /** The current policy becomes p_old. */
  void anchor() {
    if (old != current) {
      spare = old;
      old = current;
    }
    current.becomeAnchor();
    clipSweep.anchor(current);
    meanReady = false;
  }

  /** Computes the advantages' baseline, where that has not been done since {@link #anchor}. */
  void provideMeanActionValue() {
    if (!meanReady) {
      meanActionValue = (float) (chunk.dot(old.mass, 0, actionValue, 0, padded) / old.normalizer);
      meanReady = true;
    }
  }

  /** Computes {@link #meanAbsoluteAdvantage}, right after {@link #anchor}. */
  void computeMeanAbsoluteAdvantage() {
    provideMeanActionValue();
    double sum = 0.0;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      chunk.length = RowChunk.length(start, padded);
      for (int i = 0; i < chunk.length; i += LANES) {
        FloatVector.fromArray(SPECIES, actionValue, start + i)
            .sub(meanActionValue)
            .abs()
            .intoArray(chunk.terms, i);
      }
      sum += chunk.dot(current.mass, start, chunk.terms, 0, chunk.length);
    }
    meanAbsoluteAdvantage = sum / current.normalizer;
  }

  /** The proposal becomes the current policy. */
  void accept() {
    PolicyScratch left = current;
    current = proposed;
    proposed = left == old ? spare : left;
  }
}
