package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;

import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.objective.ClippedSurrogate;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * What the clip makes of a policy: which advantages the surrogate's gradient keeps, and how many
 * actions it does not.
 *
 * <p>The log-ratio of an action is its move {@code theta - theta_old} less the normaliser's. Both
 * roundings are monotone, so the least and the largest move of a chunk tell exactly whether any of
 * its actions is outside the band; the others are left alone.
 */
final class ClipSweep {
  private final RowChunk chunk;
  private final LaneSum bounds = new LaneSum();
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

  /** Whether an action of a chunk is outside the band, by its range of moves. */
  private boolean mayClip(PolicyScratch policy, int start) {
    int index = start / RowChunk.CAPACITY;
    // Written so that NaN may.
    return !(policy.largestMoves[index] - normalizerMove <= logUpper
        && policy.leastMoves[index] - normalizerMove >= logLower);
  }

  /** Whether an action of the row is outside the band. */
  boolean mayClip(PolicyScratch policy) {
    for (int start = 0; start < policy.logits.length; start += RowChunk.CAPACITY) {
      if (mayClip(policy, start)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Marks the chunks with actions whose clip is active, fills their clipped action values, and
   * gathers their share of the surrogate.
   *
   * @param meanActionValue {@code E_{p_old} Q}
   */
  void clipValues(PolicyScratch policy, float[] actionValue, float meanActionValue) {
    int padded = policy.logits.length;
    bounds.clear();
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      int length = RowChunk.length(start, padded);
      boolean isClipped =
          mayClip(policy, start)
              && clipValues(policy, actionValue, meanActionValue, start, length) > 0;
      policy.clippedChunks[start / RowChunk.CAPACITY] = isClipped;
      if (isClipped) {
        bounds.addProducts(old.mass, start, chunk.terms, 0, length);
      }
    }
    policy.clippedSurrogate = bounds.total() / old.normalizer;
  }

  private int clipValues(
      PolicyScratch policy, float[] actionValue, float meanActionValue, int start, int length) {
    FloatVector zero = FloatVector.broadcast(SPECIES, 0f);
    FloatVector upper = FloatVector.broadcast(SPECIES, upperRatio);
    FloatVector lower = FloatVector.broadcast(SPECIES, lowerRatio);
    int count = 0;
    for (int i = 0; i < length; i += LANES) {
      FloatVector value = FloatVector.fromArray(SPECIES, actionValue, start + i);
      FloatVector advantage = value.sub(meanActionValue);
      FloatVector logRatio =
          FloatVector.fromArray(SPECIES, policy.logits, start + i)
              .sub(FloatVector.fromArray(SPECIES, old.logits, start + i))
              .sub(normalizerMove);
      VectorMask<Float> positive = advantage.compare(VectorOperators.GE, 0f);
      VectorMask<Float> above = logRatio.compare(VectorOperators.GT, logUpper);
      VectorMask<Float> below = logRatio.lt(logLower);
      VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
      value.blend(meanActionValue, clipped).intoArray(policy.clippedValue, start + i);
      zero.blend(lower.blend(upper, positive).mul(advantage), clipped).intoArray(chunk.terms, i);
      count += clipped.trueCount();
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

  /** Fills the point's clip fractions. */
  void count(
      PolicyScratch policy,
      float[] actionValue,
      float meanActionValue,
      int columns,
      SurrogatePoint point) {
    point.bindingMass = 0.0;
    point.bindingActions = 0;
    point.outsideMass = 0.0;
    int padded = policy.logits.length;
    for (int start = 0; start < padded; start += RowChunk.CAPACITY) {
      if (!mayClip(policy, start)) {
        continue;
      }
      int length = RowChunk.length(start, padded);
      point.bindingActions += flagClipped(policy, actionValue, meanActionValue, start, length);
      if (start + length == padded && columns < padded) {
        // Padding repeats the last action, so it is clipped exactly when that is.
        point.bindingActions -= (padded - columns) * (int) chunk.terms[length - 1];
      }
      point.bindingMass += chunk.dot(old.mass, start, chunk.terms, 0, length);
      point.outsideMass += chunk.dot(old.mass, start, chunk.scratch, 0, length);
    }
    point.bindingMass /= old.normalizer;
    point.outsideMass /= old.normalizer;
  }

  /** 1 for a clipped action to terms, for one outside the band to scratch; counts the former. */
  private int flagClipped(
      PolicyScratch policy, float[] actionValue, float meanActionValue, int start, int length) {
    FloatVector zero = FloatVector.broadcast(SPECIES, 0f);
    int count = 0;
    for (int i = 0; i < length; i += LANES) {
      FloatVector logRatio =
          FloatVector.fromArray(SPECIES, policy.logits, start + i)
              .sub(FloatVector.fromArray(SPECIES, old.logits, start + i))
              .sub(normalizerMove);
      VectorMask<Float> positive =
          FloatVector.fromArray(SPECIES, actionValue, start + i)
              .sub(meanActionValue)
              .compare(VectorOperators.GE, 0f);
      VectorMask<Float> above = logRatio.compare(VectorOperators.GT, logUpper);
      VectorMask<Float> below = logRatio.lt(logLower);
      VectorMask<Float> clipped = above.and(positive).or(below.andNot(positive));
      zero.blend(1f, clipped).intoArray(chunk.terms, i);
      zero.blend(1f, above.or(below)).intoArray(chunk.scratch, i);
      count += clipped.trueCount();
    }
    return count;
  }
}
