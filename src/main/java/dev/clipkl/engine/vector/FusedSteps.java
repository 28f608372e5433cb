package dev.clipkl.engine.vector;

import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import java.util.Arrays;

/**
 * Inner steps of one {@link FusedSweep} each; only the chunks in which a clip is active are then
 * measured again.
 */
final class FusedSteps implements StepSweeps {
  /** Float32 rounding within each of the surrogate's sums, in its terms' own units. */
  private static final double EVALUATION_ERROR = 0x1p-23;

  private final RowScratch row;
  private final FusedSweep sweep;
  private final boolean readsReference;
  private final double evaluationError;

  /**
   * Chunks that a proposal measures when it knows whether their clip is active: those where it was
   * in the proposal before, be it another row's.
   */
  private final boolean[] waiting;

  /** Filled by proposals. */
  private AscentDirection direction = new AscentDirection();

  /** Whether the next proposal sums the gradient's norm. */
  private boolean asksNorm;

  /** NaN until it is known. */
  private double gradientNorm = Double.NaN;

  /** What action values are summed about. */
  private float center;

  FusedSteps(RowScratch row, FusedSweep sweep, Divergence divergence) {
    this.row = row;
    this.sweep = sweep;
    waiting = new boolean[RowChunk.count(row.padded)];
    readsReference = divergence instanceof ForwardKl;
    // Reverse KL has one sum; forward KL has one over p and one over q.
    evaluationError = readsReference ? 2.0 * EVALUATION_ERROR : EVALUATION_ERROR;
    sweep.logReference = row.logReference;
    sweep.reference = row.reference;
  }

  @Override
  public void load(RowProgram program) {
    sweep.lambda = row.lambda;
    PolicyScratch current = row.current;
    current.begin();
    row.beginMeanActionValue();
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      load(start, RowChunk.length(start, row.padded));
    }
    sweep.referenceSum = row.referenceSum;
    if (!current.finish()) {
      return;
    }
    if (row.judgesSteps) {
      row.finishMeanActionValue();
    } else {
      finishSums(current);
    }
  }

  /** Reads a piece of the row, and does while it is in cache all that needs no other piece. */
  private void load(int start, int length) {
    if (row.judgesSteps) {
      row.readWithMass(start, length);
    } else {
      row.read(start, length);
    }
    if (readsReference) {
      row.addReference(start, length);
    }
    if (row.judgesSteps) {
      row.addMeanActionValue(start, length);
      return;
    }
    if (start == 0) {
      // Fixed steps need no bound on the surrogate's error, so that any centre within the action
      // values will do: the same one for as long as the row is in hand.
      center = row.actionValue[0];
    }
    measure(row.current, row.actionValue, start, length);
  }

  /** Sums up a piece of a policy whose masses are there, or have no offset and need not be. */
  private void measure(PolicyScratch policy, float[] values, int start, int length) {
    if (row.judgesSteps || policy.hasOffset()) {
      sweep.measure(policy, values, center, start, length);
      return;
    }
    policy.padLogitsWithoutMass(start, length);
    sweep.measureInBlocks(policy, values, center, start, length);
    policy.padLogits(start, length);
  }

  /** Fixed steps read the advantages' baseline only where a clip may be active. */
  @Override
  public void anchor() {
    if (row.judgesSteps) {
      row.computeMeanAbsoluteAdvantage();
      center = center(row.meanActionValue, row.meanAbsoluteAdvantage);
    }
    releaseClipped();
  }

  /**
   * Within a quarter of the mean absolute advantage of the mean action value, on a grid, so that it
   * stays the same for many outer iterations and sums about it can be kept.
   */
  private static float center(float mean, double deviation) {
    if (!(deviation > Float.MIN_NORMAL)) {
      return mean;
    }
    double grid = Math.scalb(0.5, Math.getExponent(deviation));
    return (float) (Math.rint(mean / grid) * grid);
  }

  /** No clip is active at p_old: the chunks where one was are measured again. */
  private void releaseClipped() {
    PolicyScratch current = row.current;
    boolean hasSums = current.center == center;
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int index = start / RowChunk.CAPACITY;
      if (current.clippedChunks[index]) {
        current.clippedChunks[index] = false;
        if (hasSums) {
          measure(current, row.actionValue, start, RowChunk.length(start, row.padded));
        }
      }
    }
    if (hasSums) {
      finishSums(current);
    }
  }

  @Override
  public void measure(SurrogatePoint point) {
    if (row.current.center != center) {
      sum(row.current);
    }
    fillPoint(row.current, point);
  }

  /** The sweep's second half over a whole row. */
  private void sum(PolicyScratch policy) {
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      measure(policy, values(policy, start), start, RowChunk.length(start, row.padded));
    }
    finishSums(policy);
  }

  private void finishSums(PolicyScratch policy) {
    policy.clippedObjective = sweep.finish(policy, center);
    policy.center = center;
  }

  /** The action values that a policy sees in the chunk that begins at {@code start}. */
  private float[] values(PolicyScratch policy, int start) {
    return policy.clippedChunks[start / RowChunk.CAPACITY] ? policy.clippedValue : row.actionValue;
  }

  private void fillPoint(PolicyScratch policy, SurrogatePoint point) {
    if (row.judgesSteps) {
      point.surrogate = policy.clippedObjective - row.meanActionValue + policy.clippedSurrogate;
      point.evaluationError = evaluationError * (row.lambda + row.meanAbsoluteAdvantage);
    }
  }

  @Override
  public void direction(int momentumSteps, AscentDirection result) {
    direction = result;
    asksNorm = false;
    gradientNorm = Double.NaN;
  }

  @Override
  public double gradientNorm() {
    asksNorm = Double.isNaN(gradientNorm);
    return gradientNorm;
  }

  @Override
  public void propose(double step, double momentum, double nextMomentum, SurrogatePoint point) {
    PolicyScratch to = row.proposal();
    sweep.beginMove();
    to.begin();
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, row.padded);
      move(to, (float) step, start, length);
      if (row.judgesSteps && waiting[start / RowChunk.CAPACITY]) {
        to.padLogits(start, length);
        to.addMass(start, length);
      } else {
        measureMoved(to, start, length);
      }
    }
    finishMove();
    boolean isMeasured = to.finish();
    markClipped(to);
    if (isMeasured) {
      measureClippedAndWaiting(to);
      finishSums(to);
    } else {
      sum(to);
    }
    System.arraycopy(to.clippedChunks, 0, waiting, 0, waiting.length);
    fillPoint(to, point);
  }

  private void measureMoved(PolicyScratch to, int start, int length) {
    if (row.judgesSteps) {
      to.padLogits(start, length);
      to.fillMass(start, length);
    }
    measure(to, row.actionValue, start, length);
  }

  @Override
  public void proposeLast(double step, boolean isSummarized) {
    PolicyScratch to = row.proposal();
    sweep.beginMove();
    to.begin();
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, row.padded);
      move(to, (float) step, start, length);
      if (isSummarized) {
        measureMoved(to, start, length);
      }
    }
    finishMove();
    if (isSummarized) {
      to.finish();
    }
  }

  @Override
  public double actionValueSpan() {
    return row.actionValueSpan();
  }

  @Override
  public void store() {
    row.store();
  }

  private void move(PolicyScratch to, float step, int start, int length) {
    PolicyScratch from = row.current;
    float[] values = values(from, start);
    sweep.move(from, to, values, step, start, length);
    if (asksNorm || (sweep.isPlain && row.judgesSteps)) {
      sweep.addSquaredGradient(from, values, start, length);
    }
  }

  private void finishMove() {
    direction.slope = sweep.slope(row.current);
    if (asksNorm) {
      gradientNorm = Math.sqrt(sweep.squaredGradient.total());
      asksNorm = false;
    }
  }

  /** Marks the chunks in which a policy's clip is active. */
  private void markClipped(PolicyScratch policy) {
    row.clipSweep.begin(policy, row.clip);
    if (row.clipSweep.mayClip(policy)) {
      row.provideMeanActionValue();
      row.clipSweep.clipValues(policy, row.actionValue, row.meanActionValue);
    } else {
      Arrays.fill(policy.clippedChunks, false);
      policy.clippedSurrogate = 0.0;
      policy.clipCount = ClipCount.NONE;
    }
  }

  /** Measures those chunks with the action values that they see. */
  private void measureClippedAndWaiting(PolicyScratch policy) {
    for (int start = 0; start < row.padded; start += RowChunk.CAPACITY) {
      int index = start / RowChunk.CAPACITY;
      if (policy.clippedChunks[index] || waiting[index]) {
        measure(policy, values(policy, start), start, RowChunk.length(start, row.padded));
      }
    }
  }
}
