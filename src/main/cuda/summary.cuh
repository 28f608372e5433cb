// The metrics of a row's policy.
#pragma once

#include "row.cuh"

namespace clipkl {

/// The ordinals of RowMetric.
enum Metric {
  VALUE,
  ACTION_VALUE,
  DIVERGENCE,
  KL_POLICY_TO_REFERENCE,
  KL_REFERENCE_TO_POLICY,
  ENTROPY,
  GAP,
  MIN_LOG_PROB,
  CLIPFRAC_BINDING,
  CLIPFRAC_OUTSIDE_BAND,
  LOG_RATIO_MIN,
  LOG_RATIO_MAX,
  RATIO_VARIANCE,
  APPROX_KL,
  GRAD_NORM,
  STEP_SIZE,
  STEPS_TAKEN,
  STEPS_REJECTED,
  FROZEN
};

static_assert(FROZEN + 1 == METRICS, "one number for each RowMetric");

/// Fills the metrics that the current policy and p_old determine.
template <bool CLUSTERED>
CLIPKL_SWEEP void summarize(Row<CLUSTERED>& row, double (&metrics)[METRICS]) {
  const RowsParameters& parameters = row.parameters;
  const bool hasOptimum = parameters.optima != nullptr;
  float best = 0.0f;
  float offset = 0.0f;
  if (hasOptimum) {
    best = float(parameters.optima[row.arrays.row].largestActionValue);
    offset = float(parameters.optima[row.arrays.row].offset);
  }
  const float* logits = row.arrays.logits(row.current.slot);
  const float* oldLogits = row.arrays.logits(row.old.slot);
  const float* reference = row.arrays.reference();
  const float* actionValues = row.arrays.actionValues();
  const Divergence divergence = row.divergence;
  const float lambda = row.lambda;
  const Policy current = row.current;
  const Policy old = row.old;
  const Split normalizer(current.logNormalizer);
  const Split change(current.logNormalizer - old.logNormalizer);
  Sum reward;
  Sum trained;
  Sum policyToReference;
  Sum referenceToPolicy;
  Sum negativeEntropy;
  Sum gap;
  Sum variance;
  Sum moves;
  float largestNegativeLogProb = -infinity();
  float largestNegativeMove = -infinity();
  float largestMove = -infinity();
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    Quad o = loadQuad(oldLogits, i, live);
    Quad r = loadQuad(reference, i, live);
    Quad values = loadQuad(actionValues, i, live);
    float rewardOf[QUAD];
    float trainedOf[QUAD];
    float policyToReferenceOf[QUAD];
    float referenceToPolicyOf[QUAD];
    float negativeEntropyOf[QUAD];
    float gapOf[QUAD];
    float varianceOf[QUAD];
    float movesOf[QUAD];
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float p = j < live ? exponential(x.v[j], current.offset) * current.inverse : 0.0f;
      float q = j < live ? exponential(r.v[j]) : 0.0f;
      float oldP = j < live ? exponential(o.v[j], old.offset) * old.inverse : 0.0f;
      float logProb = normalizer.from(x.v[j]);
      float logRatio = normalizer.from(x.v[j] - r.v[j]);
      float move = change.from(x.v[j] - o.v[j]);
      rewardOf[j] = p * values.v[j];
      trainedOf[j] = divergence.measure(p, q, logRatio).term;
      policyToReferenceOf[j] = p * logRatio;
      referenceToPolicyOf[j] = q * logRatio;
      negativeEntropyOf[j] = p * logProb;
      gapOf[j] = 0.0f;
      if (opaque(hasOptimum)) {
        float distance = (best - values.v[j] + offset) / lambda;
        gapOf[j] = divergence.gap(p, q, logRatio, distance);
      }
      float gain = p - oldP;
      varianceOf[j] = gain / fmaxf(oldP, LEAST_NORMAL) * gain;
      movesOf[j] = oldP * move;
      largestNegativeLogProb = fmaxf(largestNegativeLogProb, -logProb);
      largestNegativeMove = fmaxf(largestNegativeMove, -move);
      largestMove = fmaxf(largestMove, move);
    }
    reward.add(rewardOf);
    trained.add(trainedOf);
    policyToReference.add(policyToReferenceOf);
    referenceToPolicy.add(referenceToPolicyOf);
    negativeEntropy.add(negativeEntropyOf);
    gap.add(gapOf);
    variance.add(varianceOf);
    moves.add(movesOf);
  });
  double results[11] = {reward.total(),
                        trained.total(),
                        policyToReference.total(),
                        referenceToPolicy.total(),
                        negativeEntropy.total(),
                        gap.total(),
                        variance.total(),
                        moves.total(),
                        largestNegativeLogProb,
                        largestNegativeMove,
                        largestMove};
  row.group.template reduce<8>(results);
  metrics[VALUE] = results[0] - parameters.lambda * results[1];
  metrics[ACTION_VALUE] = results[0];
  metrics[DIVERGENCE] = results[1];
  metrics[KL_POLICY_TO_REFERENCE] = results[2];
  metrics[KL_REFERENCE_TO_POLICY] = -results[3];
  metrics[ENTROPY] = -results[4];
  metrics[GAP] = hasOptimum ? parameters.lambda * results[5] : nan("");
  metrics[MIN_LOG_PROB] = -results[8];
  metrics[LOG_RATIO_MIN] = -results[9];
  metrics[LOG_RATIO_MAX] = results[10];
  metrics[RATIO_VARIANCE] = results[6];
  metrics[APPROX_KL] = -results[7];
}

}  // namespace clipkl
