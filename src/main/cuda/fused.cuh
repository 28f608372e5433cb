// An inner step in one sweep, for divergences whose coefficients need no normaliser: the direction is
// formed, the logits move, and what the next step needs is summed over masses that are normalised
// afterwards. For fixed steps, whose surrogate nobody judges.
//
// Whether a clip can be active follows exactly from the least and largest move since p_old; only
// then are the actions looked at one by one.
#pragma once

#include "normalize.cuh"

#ifdef CLIPKL_FUSES

namespace clipkl {

/// Sums over masses about the centre, and how far the logits have moved.
struct FusedSums {
  Sum mass;
  Sum value;
  Sum distance;
  float largestMove = -infinity();
  float largestNegativeMove = -infinity();

  CLIPKL_DEVICE void add(const Quad& x, const Quad& o, const Quad& r, const Quad& values,
                         float center, int live, int offset) {
    Quad massOf = masses(x, live, offset);
    float valueOf[QUAD];
    float distanceOf[QUAD];
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      valueOf[j] = massOf.v[j] * (values.v[j] - center);
      distanceOf[j] = massOf.v[j] * (x.v[j] - r.v[j]);
      float move = x.v[j] - o.v[j];
      largestMove = fmaxf(largestMove, move);
      largestNegativeMove = fmaxf(largestNegativeMove, -move);
    }
    mass.add(massOf.v);
    value.add(valueOf);
    if (Divergence::MEAN_READS_DISTANCE) {
      distance.add(distanceOf);
    }
  }

  template <bool CLUSTERED>
  CLIPKL_DEVICE void reduce(Row<CLUSTERED>& row, double (&results)[5]) const {
    double all[5] = {mass.total(), value.total(), distance.total(), largestMove,
                     largestNegativeMove};
    row.group.template reduce<3>(all);
#pragma unroll
    for (int i = 0; i < 5; i++) {
      results[i] = all[i];
    }
  }
};

/// The sums of a policy that is there already.
template <bool CLUSTERED>
CLIPKL_SWEEP void sumFused(Row<CLUSTERED>& row, int slot, int offset, double (&results)[5]) {
  const float* logits = row.arrays.logits(slot);
  const float* reference = row.arrays.reference();
  const float* actionValues = row.arrays.actionValues();
  float center = row.center;
  FusedSums sums;
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    sums.add(x, x, loadQuad(reference, i, live), loadQuad(actionValues, i, live), center, live,
             offset);
  });
  sums.reduce(row, results);
}

/// Takes a row in hand and sums over its policy, in one sweep over the tables.
///
/// @param results as those of sumFused, but with the extremes of Q in place of the moves
template <bool CLUSTERED>
CLIPKL_SWEEP void loadAndSum(Row<CLUSTERED>& row, int index, double (&results)[5]) {
  const bool fills = row.arrays.openToFill(index);
  const Part part = row.arrays.part;
  const TableRow reference(row.parameters.reference, index, part.begin);
  const LayeredRow values(row.parameters.actionValues, index, part.begin);
  const float* logits = row.arrays.tableRow(row.parameters.logits);
  const float* plainReference = row.arrays.reference();
  const float* plainValues = row.arrays.actionValues();
  const bool isGradient = row.optimizer == GRADIENT;
  const float* lostTable = isGradient ? row.arrays.tableRow(row.parameters.moment1) : nullptr;
  const float center = row.center;
  FusedSums sums;
  float largest = -infinity();
  float largestNegative = -infinity();
  part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    Quad r;
    Quad q;
    if (fills) {
      r = reference.load(i, live);
      q = values.load(i, live);
      storeQuad(row.arrays.working(0), i, QUAD, r);
      storeQuad(row.arrays.working(1), i, QUAD, q);
      storeQuad(row.arrays.working(2), i, QUAD, x);
      if (isGradient) {
        storeQuad(row.arrays.moment(0), i, QUAD, loadQuad(lostTable, i, live));
      }
    } else {
      r = loadQuad(plainReference, i, live);
      q = loadQuad(plainValues, i, live);
    }
    sums.add(x, x, r, q, center, live, 0);
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      largest = fmaxf(largest, q.v[j]);
      largestNegative = fmaxf(largestNegative, -q.v[j]);
    }
  });
  double all[5] = {sums.mass.total(), sums.value.total(), sums.distance.total(), largest,
                   largestNegative};
  row.group.template reduce<3>(all);
#pragma unroll
  for (int i = 0; i < 5; i++) {
    results[i] = all[i];
  }
}

/// From sums at offset 0 to the policy's normaliser and means; see finishNormalizing.
template <bool CLUSTERED>
CLIPKL_SWEEP void finishFused(Row<CLUSTERED>& row, Policy& policy, const double (&sums)[5]) {
  double used[5];
#pragma unroll
  for (int i = 0; i < 5; i++) {
    used[i] = sums[i];
  }
  policy.offset = 0;
  if (!(sums[0] > LEAST_NORMALIZER && sums[0] < LARGEST_NORMALIZER)) {
    policy.offset = offsetOf(largestLogit(row, policy.slot));
    sumFused(row, policy.slot, policy.offset, used);
  }
  policy.logNormalizer = policy.offset * LOG_2 + exactLogarithm(used[0]);
  policy.inverse = float(1.0 / used[0]);
  policy.meanValue = double(row.center) + used[1] / used[0];
  policy.meanLogRatio = used[2] / used[0] - policy.logNormalizer;
}

/// What follows from the means when `clipped` is E_p of the advantages whose clip is active.
template <bool CLUSTERED>
CLIPKL_DEVICE void setMeanCoefficient(Row<CLUSTERED>& row, Policy& policy, double clipped) {
  policy.meanCoefficient =
      Divergence::fusedMean(policy.meanValue - double(row.oldMeanValue) - clipped,
                            policy.meanLogRatio, row.parameters.lambda);
}

/// The current policy as p_old, where no clip is active.
template <bool CLUSTERED>
CLIPKL_DEVICE void anchorFused(Row<CLUSTERED>& row) {
  row.current.bindingMass = 0.0;
  row.current.outsideMass = 0.0;
  row.current.bindingActions = 0;
  setMeanCoefficient(row, row.current, 0.0);
}

/// Looks at the actions one by one: which of them the clip holds.
template <bool CLUSTERED>
CLIPKL_SWEEP void measureClips(Row<CLUSTERED>& row, Policy& policy) {
  const float* logits = row.arrays.logits(policy.slot);
  const float* oldLogits = row.arrays.logits(row.old.slot);
  const float* actionValues = row.arrays.actionValues();
  const Clip clip = row.clip;
  const Split change(policy.logNormalizer - row.old.logNormalizer);
  const float inverse = policy.inverse;
  const int offset = policy.offset;
  const float oldInverse = row.old.inverse;
  const int oldOffset = row.old.offset;
  const float baseline = row.oldMeanValue;
  Sum clipped;
  Sum binding;
  Sum outside;
  int bindings = 0;
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    Quad o = loadQuad(oldLogits, i, live);
    Quad values = loadQuad(actionValues, i, live);
    float clippedOf[QUAD];
    float bindingOf[QUAD];
    float outsideOf[QUAD];
    bool anyOutside = false;
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float move = change.from(x.v[j] - o.v[j]);
      anyOutside = anyOutside || clip.isOutsideBand(move);
    }
    if (anyOutside) {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        float move = change.from(x.v[j] - o.v[j]);
        float advantage = values.v[j] - baseline;
        bool isActive = clip.isActive(advantage, move);
        float p = j < live ? exponential(x.v[j], offset) * inverse : 0.0f;
        float oldP = j < live ? exponential(o.v[j], oldOffset) * oldInverse : 0.0f;
        clippedOf[j] = isActive ? p * advantage : 0.0f;
        bindingOf[j] = isActive ? oldP : 0.0f;
        outsideOf[j] = clip.isOutsideBand(move) ? oldP : 0.0f;
        bindings += isActive && j < live ? 1 : 0;
      }
      clipped.add(clippedOf);
      binding.add(bindingOf);
      outside.add(outsideOf);
    }
  });
  double sums[4] = {clipped.total(), binding.total(), outside.total(), double(bindings)};
  row.group.template reduce<4>(sums);
  policy.bindingMass = sums[1];
  policy.outsideMass = sums[2];
  policy.bindingActions = int(sums[3]);
  setMeanCoefficient(row, policy, sums[0]);
}

/// One fixed step, and what is measured after it; see propose.
template <bool CLUSTERED>
CLIPKL_SWEEP void proposeFused(Row<CLUSTERED>& row, double step, bool isUnmeasured) {
  const Policy current = row.current;
  Policy& proposed = row.proposed;
  const bool isGradient = row.optimizer == GRADIENT;
  proposed.slot = row.freeSlot();
  proposed.momentSlot = current.momentSlot;
  float* to = row.arrays.logits(proposed.slot);
  float* lostFrom = isGradient ? row.arrays.moment(current.momentSlot) : nullptr;
  float* lostTo = lostFrom;
  if (isUnmeasured) {
    to = row.arrays.tableRow(row.parameters.logits);
    lostTo = isGradient ? row.arrays.tableRow(row.parameters.moment1) : nullptr;
  }
  const float* logits = row.arrays.logits(current.slot);
  const float* oldLogits = row.arrays.logits(row.old.slot);
  const float* reference = row.arrays.reference();
  const float* actionValues = row.arrays.actionValues();
  const Clip clip = row.clip;
  const Split change(current.logNormalizer - row.old.logNormalizer);
  const bool clips = current.bindingActions > 0;
  const double lambda = row.parameters.lambda;
  const float lambdaSingle = row.lambda;
  const float baseline = row.oldMeanValue;
  const float shift =
      float(double(baseline) +
            Divergence::fusedShift(current.meanCoefficient, current.logNormalizer, lambda));
  // Directions but the gradient are divided by lambda.
  const float scaledStep = float(isGradient ? step : step / lambda);
  const float center = row.center;
  FusedSums sums;
  row.arrays.part.forEachQuad([&](int i, int live) {
    Quad x = loadQuad(logits, i, live);
    Quad o = x;
    if (!opaque(isUnmeasured) || opaque(clips)) {
      o = loadQuad(oldLogits, i, live);
    }
    Quad r = loadQuad(reference, i, live);
    Quad values = loadQuad(actionValues, i, live);
    Quad seen = values;
    if (opaque(clips)) {
      // An action whose clip is active has the value of advantage 0.
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        bool isActive =
            clip.isActive(values.v[j] - baseline, change.from(x.v[j] - o.v[j]));
        seen.v[j] = isActive ? baseline : values.v[j];
      }
    }
    Quad d;
    bool isPlain = opaque(isGradient) != 0;
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float p = isPlain || Divergence::DIRECTION_READS_P
                    ? exponential(x.v[j], current.offset) * current.inverse
                    : 0.0f;
      d.v[j] = Divergence::fusedDirection(isPlain, seen.v[j] - shift, x.v[j], r.v[j], p,
                                          lambdaSingle);
    }
    Quad moved;
    if (isPlain) {
      Quad lost = loadQuad(lostFrom, i, live);
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        // What rounding takes from the logit is kept for the next step.
        float increment = fmaf(d.v[j], scaledStep, lost.v[j]);
        moved.v[j] = x.v[j] + increment;
        lost.v[j] = increment - (moved.v[j] - x.v[j]);
      }
      storeQuad(lostTo, i, live, lost);
    } else {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        moved.v[j] = fmaf(d.v[j], scaledStep, x.v[j]);
      }
    }
    storeQuad(to, i, live, moved);
    if (!opaque(isUnmeasured)) {
      sums.add(moved, o, r, values, center, live, 0);
    }
  });
  if (isUnmeasured) {
    return;
  }
  double results[5];
  sums.reduce(row, results);
  finishFused(row, proposed, results);
  proposed.bindingMass = 0.0;
  proposed.outsideMass = 0.0;
  proposed.bindingActions = 0;
  Split moved(proposed.logNormalizer - row.old.logNormalizer);
  // Written so that NaN is looked at.
  bool staysInside = moved.from(float(results[3])) <= clip.logUpper &&
                     moved.from(float(-results[4])) >= clip.logLower;
  if (staysInside) {
    setMeanCoefficient(row, proposed, 0.0);
  } else {
    measureClips(row, proposed);
  }
}

}  // namespace clipkl

#endif
