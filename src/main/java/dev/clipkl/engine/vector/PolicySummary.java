package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;

import dev.clipkl.engine.RowMetric;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Sums of one row's metrics, chunk by chunk. */
final class PolicySummary {
  private double reward;
  private double policyToReference;
  private double referenceToPolicy;
  private double entropy;
  private double ratioVariance;
  private double approxKl;
  private float minLogProb = Float.POSITIVE_INFINITY;
  private float minLogRatio = Float.POSITIVE_INFINITY;
  private float maxLogRatio = Float.NEGATIVE_INFINITY;

  /** Gap over lambda, added by the caller. */
  double gap;

  void add(
      RowChunk chunk,
      int start,
      PolicyScratch policy,
      float[] actionValue,
      float[] oldLogProb,
      float[] oldProb) {
    int length = chunk.length;
    reward += chunk.dot(chunk.prob, 0, actionValue, start, length);
    policyToReference += chunk.dot(chunk.prob, 0, chunk.logRatio, 0, length);
    referenceToPolicy -= chunk.dot(chunk.reference, 0, chunk.logRatio, 0, length);
    fillLogProbs(chunk, start, policy);
    entropy -= chunk.dot(chunk.prob, 0, chunk.scratch, 0, length);
    fillMoves(chunk, start, oldLogProb);
    approxKl -= chunk.dot(oldProb, start, chunk.scratch, 0, length);
    fillSquaredExcess(chunk);
    ratioVariance += chunk.dot(oldProb, start, chunk.terms, 0, length);
  }

  /** {@code log p} to scratch, and its minimum. */
  private void fillLogProbs(RowChunk chunk, int start, PolicyScratch policy) {
    FloatVector logNormalizer = FloatVector.broadcast(SPECIES, (float) policy.logNormalizer);
    FloatVector least = FloatVector.broadcast(SPECIES, minLogProb);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector logProb =
          FloatVector.fromArray(SPECIES, policy.logits, start + i).sub(logNormalizer);
      logProb.intoArray(chunk.scratch, i);
      least = least.blend(logProb, logProb.lt(least));
    }
    minLogProb = least.reduceLanes(VectorOperators.MIN);
  }

  /** {@code log p - log p_old} to scratch, which held log p, and its extremes. */
  private void fillMoves(RowChunk chunk, int start, float[] oldLogProb) {
    FloatVector least = FloatVector.broadcast(SPECIES, minLogRatio);
    FloatVector largest = FloatVector.broadcast(SPECIES, maxLogRatio);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector move =
          FloatVector.fromArray(SPECIES, chunk.scratch, i)
              .sub(FloatVector.fromArray(SPECIES, oldLogProb, start + i));
      move.intoArray(chunk.scratch, i);
      least = least.blend(move, move.lt(least));
      largest = largest.blend(move, move.compare(VectorOperators.GT, largest));
    }
    minLogRatio = least.reduceLanes(VectorOperators.MIN);
    maxLogRatio = largest.reduceLanes(VectorOperators.MAX);
  }

  /** {@code (p / p_old - 1)^2} to terms. */
  private static void fillSquaredExcess(RowChunk chunk) {
    FloatLanes.ratioExp(chunk.scratch, 1f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector excess = FloatVector.fromArray(SPECIES, chunk.scratch, i).sub(1f);
      excess.mul(excess).intoArray(chunk.terms, i);
    }
  }

  void write(double[] metrics) {
    metrics[RowMetric.ACTION_VALUE.ordinal()] = reward;
    metrics[RowMetric.KL_POLICY_TO_REFERENCE.ordinal()] = policyToReference;
    metrics[RowMetric.KL_REFERENCE_TO_POLICY.ordinal()] = referenceToPolicy;
    metrics[RowMetric.ENTROPY.ordinal()] = entropy;
    metrics[RowMetric.MIN_LOG_PROB.ordinal()] = minLogProb;
    metrics[RowMetric.LOG_RATIO_MIN.ordinal()] = minLogRatio;
    metrics[RowMetric.LOG_RATIO_MAX.ordinal()] = maxLogRatio;
    metrics[RowMetric.RATIO_VARIANCE.ordinal()] = ratioVariance;
    metrics[RowMetric.APPROX_KL.ordinal()] = approxKl;
  }
}
