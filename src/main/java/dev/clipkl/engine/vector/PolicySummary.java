package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import dev.clipkl.engine.RowMetric;
import jdk.incubator.vector.DoubleVector;
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
    FloatVector logNormalizer = broadcast((float) policy.logNormalizer);
    DoubleVector rewardSum = zeroSum();
    DoubleVector policySum = zeroSum();
    DoubleVector referenceSum = zeroSum();
    DoubleVector entropySum = zeroSum();
    DoubleVector varianceSum = zeroSum();
    DoubleVector approxSum = zeroSum();
    FloatVector leastLogProb = broadcast(minLogProb);
    FloatVector leastRatio = broadcast(minLogRatio);
    FloatVector largestRatio = broadcast(maxLogRatio);
    for (int i = 0; i < chunk.length; i += LANES) {
      int at = start + i;
      FloatVector prob = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector logRatio = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector logProb = FloatVector.fromArray(SPECIES, policy.logits, at).sub(logNormalizer);
      FloatVector move = logProb.sub(FloatVector.fromArray(SPECIES, oldLogProb, at));
      FloatVector old = FloatVector.fromArray(SPECIES, oldProb, at);
      rewardSum = accumulate(rewardSum, prob.mul(FloatVector.fromArray(SPECIES, actionValue, at)));
      policySum = accumulate(policySum, prob.mul(logRatio));
      referenceSum =
          accumulate(
              referenceSum, FloatVector.fromArray(SPECIES, chunk.reference, i).mul(logRatio));
      entropySum = accumulate(entropySum, prob.mul(logProb));
      FloatVector excess = ratioExp(move).sub(1f);
      varianceSum = accumulate(varianceSum, old.mul(excess).mul(excess));
      approxSum = accumulate(approxSum, old.mul(move));
      leastLogProb = leastLogProb.blend(logProb, logProb.lt(leastLogProb));
      leastRatio = leastRatio.blend(move, move.lt(leastRatio));
      largestRatio = largestRatio.blend(move, move.compare(VectorOperators.GT, largestRatio));
    }
    reward += total(rewardSum);
    policyToReference += total(policySum);
    referenceToPolicy -= total(referenceSum);
    entropy -= total(entropySum);
    ratioVariance += total(varianceSum);
    approxKl -= total(approxSum);
    minLogProb = FloatLanes.least(leastLogProb);
    minLogRatio = FloatLanes.least(leastRatio);
    maxLogRatio = FloatLanes.largest(largestRatio);
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
