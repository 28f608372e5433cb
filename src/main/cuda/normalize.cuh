// From logits to a policy's normaliser and mean action value.
#pragma once

#include "row.cuh"

namespace clipkl {

/// Normalisers between these need no offset.
constexpr double LEAST_NORMALIZER = 1.0 / (1 << 30);
constexpr double LARGEST_NORMALIZER = 1 << 30;

/// The offset that brings the largest mass to 1; 0 where there is none.
CLIPKL_DEVICE int offsetOf(double largestLogit) {
  return fabs(largestLogit) < 1e6 ? int(rint(largestLogit / LOG_2)) : 0;
}

/// 2^-offset e^logit, 0 beyond the row's end.
CLIPKL_DEVICE Quad masses(const Quad& logits, int live, int offset) {
  Quad result;
#pragma unroll
  for (int j = 0; j < QUAD; j++) {
    result.v[j] = exponential(logits.v[j], offset);
  }
  clearBeyond(result, live);
  return result;
}

/// Sums of masses, and of masses times action values about a centre.
struct MassSums {
  Sum mass;
  Sum value;

  CLIPKL_DEVICE void add(const Quad& logits, const Quad& values, float center, int live,
                         int offset) {
    Quad massOf = masses(logits, live, offset);
    float valueOf[QUAD];
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      valueOf[j] = massOf.v[j] * (values.v[j] - center);
    }
    mass.add(massOf.v);
    value.add(valueOf);
  }
};

/// What normalising needs of a row: the largest logit where the masses need an offset.
template <bool CLUSTERED>
CLIPKL_SWEEP double largestLogit(Row<CLUSTERED>& row, int slot) {
  const float* logits = row.arrays.logits(slot);
  float largest = -infinity();
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    largest = fmaxf(largest, fmaxf(fmaxf(x.v[0], x.v[1]), fmaxf(x.v[2], x.v[3])));
  });
  double result[1] = {largest};
  row.group.template reduce<0>(result);
  return result[0];
}

/// Takes the sums, and the extremes of the action values.
template <bool CLUSTERED>
CLIPKL_SWEEP void sumMasses(Row<CLUSTERED>& row, int slot, int offset, double (&results)[4]) {
  const float* logits = row.arrays.logits(slot);
  const float* actionValues = row.arrays.actionValues();
  float center = row.center;
  MassSums sums;
  float largest = -infinity();
  float largestNegative = -infinity();
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    Quad values = loadQuad(actionValues, i, live);
    sums.add(x, values, center, live, offset);
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      largest = fmaxf(largest, values.v[j]);
      largestNegative = fmaxf(largestNegative, -values.v[j]);
    }
  });
  double all[4] = {sums.mass.total(), sums.value.total(), largest, largestNegative};
  row.group.template reduce<2>(all);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    results[i] = all[i];
  }
}

/// From sums at offset 0 to the policy's normaliser. Where they leave the range in which every mass
/// that matters is a normal number, they are taken again with an offset. It depends on the logits
/// alone, and so does all that follows.
template <bool CLUSTERED>
CLIPKL_SWEEP void finishNormalizing(Row<CLUSTERED>& row, Policy& policy, double sum,
                                    double valueSum) {
  policy.offset = 0;
  if (!(sum > LEAST_NORMALIZER && sum < LARGEST_NORMALIZER)) {
    policy.offset = offsetOf(largestLogit(row, policy.slot));
    double sums[4];
    sumMasses(row, policy.slot, policy.offset, sums);
    sum = sums[0];
    valueSum = sums[1];
  }
  policy.logNormalizer = policy.offset * LOG_2 + exactLogarithm(sum);
  policy.inverse = float(1.0 / sum);
  policy.meanValue = double(row.center) + valueSum / sum;
}

}  // namespace clipkl
