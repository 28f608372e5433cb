package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.WIDTH;
import static dev.clipkl.engine.vector.LaneSum.HALF;

import dev.clipkl.engine.RowMetric;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Sums of one row's metrics, chunk by chunk. */
final class PolicySummary {
  private final LaneSum reward = new LaneSum();
  private final LaneSum policyToReference = new LaneSum();
  private final LaneSum referenceToPolicy = new LaneSum();
  private final LaneSum negativeEntropy = new LaneSum();
  private final LaneSum moves = new LaneSum();
  private final LaneSum ratioVariance = new LaneSum();
  private float minLogProb;
  private float minMove;
  private float maxMove;

  /** Begins a row. */
  void begin() {
    reward.clear();
    policyToReference.clear();
    referenceToPolicy.clear();
    negativeEntropy.clear();
    moves.clear();
    ratioVariance.clear();
    minLogProb = Float.POSITIVE_INFINITY;
    minMove = Float.POSITIVE_INFINITY;
    maxMove = Float.NEGATIVE_INFINITY;
  }

  /**
   * Adds a chunk of the row in hand, and fills its probabilities, reference and log-ratios.
   *
   * @param start where it begins in the row
   */
  void add(int start, RowScratch row) {
    RowChunk chunk = row.chunk;
    addPolicy(chunk, start, row.current, row.logReference, row.actionValue);
    System.arraycopy(row.reference, start, chunk.reference, 0, chunk.length);
    referenceToPolicy.addProducts(chunk.reference, 0, chunk.logRatio, 0, chunk.length);
    if (row.current == row.old) {
      minMove = 0f;
      maxMove = 0f;
    } else {
      addMoves(chunk, start, row.current, row.old);
    }
  }

  /** Sums under p; leaves p and {@code log p - log q} in the chunk. */
  private void addPolicy(
      RowChunk chunk, int start, PolicyScratch policy, float[] logReference, float[] actionValue) {
    float logNormalizer = (float) policy.logNormalizer;
    // Float32 loses up to 5e-7 nats of the normaliser, the same for all actions: too much for a sum
    // of log-ratios, where it would not average out.
    float lost = (float) (policy.logNormalizer - logNormalizer);
    FloatVector least = FloatVector.broadcast(SPECIES, minLogProb);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, reward.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, reward.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, policyToReference.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, policyToReference.lanes, lane + HALF);
      DoubleVector low3 = DoubleVector.fromArray(DOUBLES, negativeEntropy.lanes, lane);
      DoubleVector high3 = DoubleVector.fromArray(DOUBLES, negativeEntropy.lanes, lane + HALF);
      for (int i = lane; i < chunk.length; i += WIDTH) {
        FloatVector logit = FloatVector.fromArray(SPECIES, policy.logits, start + i);
        FloatVector prob =
            FloatVector.fromArray(SPECIES, policy.mass, start + i).mul(policy.inverseNormalizer);
        FloatVector logRatio =
            logit
                .sub(FloatVector.fromArray(SPECIES, logReference, start + i))
                .sub(logNormalizer)
                .sub(lost);
        FloatVector logProb = logit.sub(logNormalizer);
        prob.intoArray(chunk.prob, i);
        logRatio.intoArray(chunk.logRatio, i);
        least = least.blend(logProb, logProb.lt(least));
        FloatVector value = FloatVector.fromArray(SPECIES, actionValue, start + i).mul(prob);
        low = low.add(value.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(value.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector distance = logRatio.mul(prob);
        low2 = low2.add(distance.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(distance.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector information = logProb.mul(prob);
        low3 = low3.add(information.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high3 = high3.add(information.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(reward.lanes, lane);
      high.intoArray(reward.lanes, lane + HALF);
      low2.intoArray(policyToReference.lanes, lane);
      high2.intoArray(policyToReference.lanes, lane + HALF);
      low3.intoArray(negativeEntropy.lanes, lane);
      high3.intoArray(negativeEntropy.lanes, lane + HALF);
    }
    minLogProb = least.reduceLanes(VectorOperators.MIN);
  }

  /**
   * {@code log p - log p_old}: its extremes and its mean under p_old; and {@code (p - p_old)^2 /
   * p_old}.
   */
  private void addMoves(RowChunk chunk, int start, PolicyScratch policy, PolicyScratch old) {
    double normalizerMove = policy.logNormalizer - old.logNormalizer;
    // What float32 loses of the normaliser, the same for all actions, would not average out.
    float high32 = (float) normalizerMove;
    float low32 = (float) (normalizerMove - high32);
    float oldInverse = old.inverseNormalizer;
    FloatVector least = FloatVector.broadcast(SPECIES, minMove);
    FloatVector largest = FloatVector.broadcast(SPECIES, maxMove);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, moves.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, moves.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, ratioVariance.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, ratioVariance.lanes, lane + HALF);
      for (int i = lane; i < chunk.length; i += WIDTH) {
        FloatVector move =
            FloatVector.fromArray(SPECIES, policy.logits, start + i)
                .sub(FloatVector.fromArray(SPECIES, old.logits, start + i))
                .sub(high32)
                .sub(low32);
        least = least.blend(move, move.lt(least));
        largest = largest.blend(move, move.compare(VectorOperators.GT, largest));
        FloatVector oldProb = FloatVector.fromArray(SPECIES, old.mass, start + i).mul(oldInverse);
        FloatVector term = oldProb.mul(move);
        low = low.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector gain = FloatVector.fromArray(SPECIES, chunk.prob, i).sub(oldProb);
        FloatVector divisor = oldProb.blend(Float.MIN_NORMAL, oldProb.lt(Float.MIN_NORMAL));
        FloatVector square = gain.div(divisor).mul(gain);
        low2 = low2.add(square.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(square.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(moves.lanes, lane);
      high.intoArray(moves.lanes, lane + HALF);
      low2.intoArray(ratioVariance.lanes, lane);
      high2.intoArray(ratioVariance.lanes, lane + HALF);
    }
    minMove = least.reduceLanes(VectorOperators.MIN);
    maxMove = largest.reduceLanes(VectorOperators.MAX);
  }

  void write(double[] metrics) {
    metrics[RowMetric.ACTION_VALUE.ordinal()] = reward.total();
    metrics[RowMetric.KL_POLICY_TO_REFERENCE.ordinal()] = policyToReference.total();
    metrics[RowMetric.KL_REFERENCE_TO_POLICY.ordinal()] = -referenceToPolicy.total();
    metrics[RowMetric.ENTROPY.ordinal()] = -negativeEntropy.total();
    metrics[RowMetric.MIN_LOG_PROB.ordinal()] = minLogProb;
    metrics[RowMetric.LOG_RATIO_MIN.ordinal()] = minMove;
    metrics[RowMetric.LOG_RATIO_MAX.ordinal()] = maxMove;
    metrics[RowMetric.RATIO_VARIANCE.ordinal()] = ratioVariance.total();
    metrics[RowMetric.APPROX_KL.ordinal()] = -moves.total();
  }
}
