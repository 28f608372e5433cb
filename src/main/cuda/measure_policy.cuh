// The clipped surrogate and its coefficients at a policy.
#pragma once

#include "row.cuh"

namespace clipkl {

/// Rounding of log-ratios, and of what divergences make of them, within the surrogate's sum.
constexpr double EVALUATION_ERROR = 1.0 / (1 << 21);

/// The surrogate, the mean coefficient and the clip fractions at a policy; at the anchor also the
/// bound on what rounding makes of a surrogate.
template <bool CLUSTERED>
CLIPKL_SWEEP void measurePolicy(Row<CLUSTERED>& row, Policy& policy, bool isAnchor) {
  const float* logits = row.arrays.logits(policy.slot);
  const float* oldLogits = row.arrays.logits(row.old.slot);
  const float* reference = row.arrays.reference();
  const float* actionValues = row.arrays.actionValues();
  const Divergence divergence = row.divergence;
  const Clip clip = row.clip;
  const Split normalizer(policy.logNormalizer);
  const Split change(policy.logNormalizer - row.old.logNormalizer);
  const float inverse = policy.inverse;
  const int offset = policy.offset;
  const float oldInverse = row.old.inverse;
  const int oldOffset = row.old.offset;
  const float baseline = row.oldMeanValue;
  Sum kept;
  Sum weighted;
  Sum terms;
  Sum clipped;
  Sum binding;
  Sum outside;
  Sum deviation;
  int bindings = 0;
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    Quad o = loadQuad(oldLogits, i, live);
    Quad r = loadQuad(reference, i, live);
    Quad values = loadQuad(actionValues, i, live);
    float keptOf[QUAD];
    float weightedOf[QUAD];
    float termOf[QUAD];
    float clippedOf[QUAD];
    float bindingOf[QUAD];
    float outsideOf[QUAD];
    float deviationOf[QUAD];
    bool anyOutside = false;
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float p = j < live ? exponential(x.v[j], offset) * inverse : 0.0f;
      float q = j < live ? exponential(r.v[j]) : 0.0f;
      float move = change.from(x.v[j] - o.v[j]);
      float advantage = values.v[j] - baseline;
      Measure at = divergence.measure(p, q, normalizer.from(x.v[j] - r.v[j]));
      bool isActive = clip.isActive(advantage, move);
      keptOf[j] = isActive ? 0.0f : p * advantage;
      weightedOf[j] = at.weighted;
      termOf[j] = at.term;
      deviationOf[j] = p * fabsf(advantage);
      anyOutside = anyOutside || isActive || clip.isOutsideBand(move);
    }
    kept.add(keptOf);
    weighted.add(weightedOf);
    terms.add(termOf);
    deviation.add(deviationOf);
    if (anyOutside) {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        float move = change.from(x.v[j] - o.v[j]);
        float advantage = values.v[j] - baseline;
        bool isActive = clip.isActive(advantage, move);
        float oldP = j < live ? exponential(o.v[j], oldOffset) * oldInverse : 0.0f;
        outsideOf[j] = clip.isOutsideBand(move) ? oldP : 0.0f;
        bindingOf[j] = isActive ? oldP : 0.0f;
        clippedOf[j] = isActive ? oldP * clip.boundedAdvantage(advantage) : 0.0f;
        bindings += isActive && j < live ? 1 : 0;
      }
      clipped.add(clippedOf);
      binding.add(bindingOf);
      outside.add(outsideOf);
    }
  });
  double sums[8] = {kept.total(),    weighted.total(), terms.total(),     clipped.total(),
                    binding.total(), outside.total(),  deviation.total(), double(bindings)};
  row.group.template reduce<8>(sums);
  double lambda = row.parameters.lambda;
  policy.meanCoefficient = sums[0] - lambda * sums[1];
  policy.surrogate = sums[0] + sums[3] - lambda * sums[2];
  policy.bindingMass = sums[4];
  policy.outsideMass = sums[5];
  policy.bindingActions = int(sums[7]);
  if (isAnchor) {
    row.evaluationError = EVALUATION_ERROR * (lambda + sums[6]);
  }
}

}  // namespace clipkl
