package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.WIDTH;
import static dev.clipkl.engine.vector.LaneSum.HALF;

import dev.clipkl.objective.ClippedSurrogate;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * What the clip makes of a policy: which advantages the surrogate's gradient keeps, and how many
 * actions it does not.
 *
 * <p>The log-ratio of an action is its move {@code theta - theta_old} less the normaliser's. Both
 * roundings are monotone, so chunks whose bound on the moves is inside the band have no action
 * outside it, and are left alone.
 */
final class ClipSweep {
  private final RowChunk chunk;
  private final LaneSum bounds = new LaneSum();
  private final LaneSum binding = new LaneSum();
  private final LaneSum outside = new LaneSum();
  private int bindingActions;
  private PolicyScratch old;
  private float normalizerMove;
  private float upperRatio;
  private float lowerRatio;
  private float logUpper;
  private float logLower;

  ClipSweep(RowChunk chunk) {
    this.chunk = chunk;
    this.old = new PolicyScratch(1, false);
  }

  /** Makes a policy p_old. */
  void anchor(PolicyScratch policy) {
    old = policy;
  }

  /** Begins with a normalised policy; the other methods are for it. */
  void begin(PolicyScratch policy, ClippedSurrogate clip) {
    normalizerMove = (float) (policy.logNormalizer - old.logNormalizer);
    upperRatio = (float) (1.0 + clip.clipEpsilon());
    lowerRatio = (float) (1.0 - clip.clipEpsilon());
    logUpper = (float) clip.logUpper();
    logLower = (float) clip.logLower();
  }

  /** Whether an action of a chunk may be outside the band, by the bound on its moves. */
  private boolean mayClip(PolicyScratch policy, int start) {
    float bound = (float) policy.moveBounds[start / RowChunk.CAPACITY];
    // Written so that NaN may.
    return !(bound - normalizerMove <= logUpper && -bound - normalizerMove >= logLower);
  }

  /** Whether an action of the row may be outside the band. */
  boolean mayClip(PolicyScratch policy) {
    for (int start = 0; start < policy.logits.length; start += RowChunk.CAPACITY) {
      if (mayClip(policy, start)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Marks the chunks with actions whose clip is active, fills their clipped action values, gathers
   * their share of the surrogate, and counts them.
   *
   * @param meanActionValue {@code E_{p_old} Q}
   */
  void clipValues(PolicyScratch policy, float[] actionValue, float meanActionValue) {
    beginCount();
    bounds.clear();
    for (int start = 0; start < policy.logits.length; start += RowChunk.CAPACITY) {
      int before = bindingActions;
      if (mayClip(policy, start)) {
        int length = RowChunk.length(start, policy.logits.length);
        bindingActions += clipValues(policy, actionValue, meanActionValue, start, length);
      }
      policy.clippedChunks[start / RowChunk.CAPACITY] = bindingActions > before;
    }
    policy.clippedSurrogate = bounds.total() / old.normalizer;
    policy.clipCount = finishCount(policy, actionValue, meanActionValue);
  }

  private int clipValues(
      PolicyScratch policy, float[] actionValue, float meanActionValue, int start, int length) {
    FloatVector zero = FloatVector.broadcast(SPECIES, 0f);
    FloatVector upper = FloatVector.broadcast(SPECIES, upperRatio);
    FloatVector lower = FloatVector.broadcast(SPECIES, lowerRatio);
    int count = 0;
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, bounds.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, bounds.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, binding.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, binding.lanes, lane + HALF);
      DoubleVector low3 = DoubleVector.fromArray(DOUBLES, outside.lanes, lane);
      DoubleVector high3 = DoubleVector.fromArray(DOUBLES, outside.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector value = FloatVector.fromArray(SPECIES, actionValue, i);
        FloatVector advantage = value.sub(meanActionValue);
        FloatVector logRatio =
            FloatVector.fromArray(SPECIES, policy.logits, i)
                .sub(FloatVector.fromArray(SPECIES, old.logits, i))
                .sub(normalizerMove);
        VectorMask<Float> positive = advantage.compare(VectorOperators.GE, 0f);
        VectorMask<Float> above = logRatio.compare(VectorOperators.GT, logUpper);
        VectorMask<Float> below = logRatio.lt(logLower);
        VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
        value.blend(meanActionValue, clipped).intoArray(policy.clippedValue, i);
        count += clipped.trueCount();
        FloatVector mass = FloatVector.fromArray(SPECIES, old.mass, i);
        FloatVector clippedMass = zero.blend(mass, clipped);
        FloatVector bound = lower.blend(upper, positive).mul(advantage).mul(clippedMass);
        low = low.add(bound.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(bound.convertShape(VectorOperators.F2D, DOUBLES, 1));
        low2 = low2.add(clippedMass.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(clippedMass.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector outsideMass = zero.blend(mass, above.or(below));
        low3 = low3.add(outsideMass.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high3 = high3.add(outsideMass.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(bounds.lanes, lane);
      high.intoArray(bounds.lanes, lane + HALF);
      low2.intoArray(binding.lanes, lane);
      high2.intoArray(binding.lanes, lane + HALF);
      low3.intoArray(outside.lanes, lane);
      high3.intoArray(outside.lanes, lane + HALF);
    }
    return count;
  }

  /**
   * {@code A 1[clip inactive]} to keptAdvantage and {@code (1 +- eps) A 1[clip active]} to terms.
   */
  void keepAdvantages(PolicyScratch policy, float[] actionValue, float meanActionValue, int start) {
    FloatVector zero = FloatVector.broadcast(SPECIES, 0f);
    FloatVector upper = FloatVector.broadcast(SPECIES, upperRatio);
    FloatVector lower = FloatVector.broadcast(SPECIES, lowerRatio);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector advantage =
          FloatVector.fromArray(SPECIES, actionValue, start + i).sub(meanActionValue);
      FloatVector logRatio =
          FloatVector.fromArray(SPECIES, policy.logits, start + i)
              .sub(FloatVector.fromArray(SPECIES, old.logits, start + i))
              .sub(normalizerMove);
      VectorMask<Float> positive = advantage.compare(VectorOperators.GE, 0f);
      VectorMask<Float> above = logRatio.compare(VectorOperators.GT, logUpper);
      VectorMask<Float> below = logRatio.lt(logLower);
      VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
      advantage.blend(0f, clipped).intoArray(chunk.keptAdvantage, i);
      zero.blend(lower.blend(upper, positive).mul(advantage), clipped).intoArray(chunk.terms, i);
    }
  }

  /** Counts what the clip holds of a policy. */
  ClipCount count(PolicyScratch policy, float[] actionValue, float meanActionValue) {
    beginCount();
    for (int start = 0; start < policy.logits.length; start += RowChunk.CAPACITY) {
      if (mayClip(policy, start)) {
        int length = RowChunk.length(start, policy.logits.length);
        bindingActions += count(policy, actionValue, meanActionValue, start, length);
      }
    }
    return finishCount(policy, actionValue, meanActionValue);
  }

  private void beginCount() {
    bindingActions = 0;
    binding.clear();
    outside.clear();
  }

  private ClipCount finishCount(PolicyScratch policy, float[] actionValue, float meanActionValue) {
    int padding = policy.logits.length - policy.columns;
    int last = policy.columns - 1;
    return new ClipCount(
        binding.total() / old.normalizer,
        // Padding repeats the last action, so it is clipped exactly when that is.
        isClipped(policy, actionValue, meanActionValue, last)
            ? bindingActions - padding
            : bindingActions,
        outside.total() / old.normalizer);
  }

  /**
   * Adds a chunk's p_old of the clipped actions, and of those outside the band; counts the former.
   */
  private int count(
      PolicyScratch policy, float[] actionValue, float meanActionValue, int start, int length) {
    FloatVector zero = FloatVector.broadcast(SPECIES, 0f);
    int count = 0;
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, binding.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, binding.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, outside.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, outside.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector logRatio =
            FloatVector.fromArray(SPECIES, policy.logits, i)
                .sub(FloatVector.fromArray(SPECIES, old.logits, i))
                .sub(normalizerMove);
        VectorMask<Float> positive =
            FloatVector.fromArray(SPECIES, actionValue, i)
                .sub(meanActionValue)
                .compare(VectorOperators.GE, 0f);
        VectorMask<Float> above = logRatio.compare(VectorOperators.GT, logUpper);
        VectorMask<Float> below = logRatio.lt(logLower);
        VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
        FloatVector mass = FloatVector.fromArray(SPECIES, old.mass, i);
        FloatVector clippedMass = zero.blend(mass, clipped);
        low = low.add(clippedMass.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(clippedMass.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector outsideMass = zero.blend(mass, above.or(below));
        low2 = low2.add(outsideMass.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(outsideMass.convertShape(VectorOperators.F2D, DOUBLES, 1));
        count += clipped.trueCount();
      }
      low.intoArray(binding.lanes, lane);
      high.intoArray(binding.lanes, lane + HALF);
      low2.intoArray(outside.lanes, lane);
      high2.intoArray(outside.lanes, lane + HALF);
    }
    return count;
  }

  private boolean isClipped(
      PolicyScratch policy, float[] actionValue, float meanActionValue, int action) {
    float logRatio = policy.logits[action] - old.logits[action] - normalizerMove;
    return actionValue[action] - meanActionValue >= 0f ? logRatio > logUpper : logRatio < logLower;
  }
}
