// From coefficients to an ascent direction, quad by quad. It is not stored: where the logits move it
// is formed again, which costs less than an array.
#pragma once

#include "normalize.cuh"

namespace clipkl {

/// Adam's constants.
constexpr double BETA1 = 0.9;
constexpr double BETA2 = 0.999;
constexpr float ADAM_EPSILON = 1e-8f;

/// Gradients and directions of one quad at the current policy.
template <bool CLUSTERED>
class Slopes {
 public:
  CLIPKL_DEVICE explicit Slopes(const Row<CLUSTERED>& row)
      : divergence(row.divergence),
        clip(row.clip),
        normalizer(row.current.logNormalizer),
        change(row.current.logNormalizer - row.old.logNormalizer),
        inverse(row.current.inverse),
        offset(row.current.offset),
        optimizer(row.optimizer),
        mean(float(row.current.meanCoefficient)),
        baseline(row.oldMeanValue),
        lambda(row.lambda),
        leastCurvature(row.optimizer == NEWTON ? 0.0f
                                               : float(row.divergence.curvatureAtReference())),
        correction1(row.correction1),
        correction2(row.correction2),
        clips(row.current.bindingActions > 0),
        currentLogits(row.arrays.logits(row.current.slot)),
        oldLogits(row.arrays.logits(row.old.slot)),
        reference(row.arrays.reference()),
        actionValues(row.arrays.actionValues()) {
    if (optimizer == ADAM) {
      moment1 = row.arrays.moment(0);
      moment2 = row.arrays.moment(1);
    }
  }

  CLIPKL_DEVICE void take(int i, int live) {
    logits = loadQuad(currentLogits, i, live);
    values = loadQuad(actionValues, i, live);
    Quad r = loadQuad(reference, i, live);
    Quad kept;
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      kept.v[j] = values.v[j] - baseline;
    }
    if (opaque(clips)) {
      Quad o = loadQuad(oldLogits, i, live);
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        bool isActive = clip.isActive(kept.v[j], change.from(logits.v[j] - o.v[j]));
        kept.v[j] = isActive ? 0.0f : kept.v[j];
      }
    }
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float p = j < live ? exponential(logits.v[j], offset) * inverse : 0.0f;
      float q = j < live ? exponential(r.v[j]) : 0.0f;
      Measure at = divergence.measure(p, q, normalizer.from(logits.v[j] - r.v[j]));
      gradient.v[j] = p * (kept.v[j] - mean) - lambda * at.weighted;
      coefficient.v[j] = kept.v[j] - lambda * at.derivative;
      curvature.v[j] = at.curvature;
    }
  }

  /// Brings Adam's moments forward by one step.
  CLIPKL_DEVICE void advanceMoments(int i, int live) const {
    Quad first = loadQuad(moment1, i, live);
    Quad second = loadQuad(moment2, i, live);
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float g = gradient.v[j];
      first.v[j] = first.v[j] * float(BETA1) + g * float(1.0 - BETA1);
      second.v[j] = second.v[j] * float(BETA2) + g * g * float(1.0 - BETA2);
    }
    storeQuad(moment1, i, live, first);
    storeQuad(moment2, i, live, second);
  }

  CLIPKL_DEVICE Quad direction(int i, int live) const {
    Quad d = gradient;
    int kind = opaque(optimizer);
    if (kind == NATURAL) {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        d.v[j] = (coefficient.v[j] - mean) / lambda;
      }
    } else if (kind == NEWTON || kind == PRECONDITIONED) {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        d.v[j] = (coefficient.v[j] - mean) / (fmaxf(curvature.v[j], leastCurvature) * lambda);
      }
    } else if (kind == ADAM) {
      Quad first = loadQuad(moment1, i, live);
      Quad second = loadQuad(moment2, i, live);
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        d.v[j] = first.v[j] * correction1 / (sqrtf(second.v[j] * correction2) + ADAM_EPSILON);
      }
    }
    return d;
  }

  const Divergence divergence;
  const Clip clip;
  const Split normalizer;
  const Split change;
  const float inverse;
  const int offset;
  const int optimizer;
  const float mean;
  const float baseline;
  const float lambda;
  const float leastCurvature;
  const float correction1;
  const float correction2;
  const bool clips;
  const float* const currentLogits;
  const float* const oldLogits;
  const float* const reference;
  const float* const actionValues;
  float* moment1 = nullptr;
  float* moment2 = nullptr;

  Quad logits;
  Quad values;
  Quad gradient;     ///< p (G - E_p G)
  Quad coefficient;  ///< G
  Quad curvature;    ///< w f''(w)
};

/// 1 / (1 - beta^steps).
CLIPKL_DEVICE double biasCorrection(double beta, int steps) {
  double power = 1.0;
#pragma unroll 1
  for (int rest = steps; rest > 0; rest >>= 1) {
    power = (rest & 1) != 0 ? power * beta : power;
    beta *= beta;
  }
  return 1.0 / (1.0 - power);
}

/// The moments start from zero.
template <bool CLUSTERED>
CLIPKL_SWEEP void clearMoments(Row<CLUSTERED>& row) {
  if (hasProposedMoment(row.optimizer)) {
    clear(row.arrays.moment(row.current.momentSlot), row.arrays.part);
  } else if (row.optimizer == ADAM) {
    clear(row.arrays.moment(0), row.arrays.part);
    clear(row.arrays.moment(1), row.arrays.part);
  }
}

/// The direction's scalars at the current policy, and Adam's new moments.
template <bool CLUSTERED>
CLIPKL_SWEEP void takeDirection(Row<CLUSTERED>& row, int momentumSteps, Ascent& ascent) {
  int optimizer = row.optimizer;
  if (optimizer == ADAM) {
    row.correction1 = float(biasCorrection(BETA1, momentumSteps));
    row.correction2 = float(biasCorrection(BETA2, momentumSteps));
  }
  const float* velocities =
      optimizer == NESTEROV ? row.arrays.moment(row.current.momentSlot) : nullptr;
  Sum slope;
  Sum squares;
  Sum alongVelocity;
  float largest = -infinity();
  float largestNegative = -infinity();
  float largestCoefficient = -infinity();
  float largestNegativeCoefficient = -infinity();
  float largestCurvature = 0.0f;
  Slopes<CLUSTERED> slopes(row);
  row.arrays.part.forEachQuad([&](int i, int live) {
    slopes.take(i, live);
    int kind = opaque(optimizer);
    if (kind == ADAM) {
      slopes.advanceMoments(i, live);
    }
    Quad d = slopes.direction(i, live);
    float slopeOf[QUAD];
    float squareOf[QUAD];
#pragma unroll
    for (int j = 0; j < QUAD; j++) {
      float g = slopes.gradient.v[j];
      float coefficient = slopes.coefficient.v[j];
      slopeOf[j] = g * d.v[j];
      squareOf[j] = g * g;
      largest = fmaxf(largest, d.v[j]);
      largestNegative = fmaxf(largestNegative, -d.v[j]);
      largestCoefficient = fmaxf(largestCoefficient, coefficient);
      largestNegativeCoefficient = fmaxf(largestNegativeCoefficient, -coefficient);
      float excess = coefficient - slopes.mean - slopes.lambda * slopes.curvature.v[j];
      largestCurvature = fmaxf(largestCurvature, fabsf(excess));
    }
    slope.add(slopeOf);
    squares.add(squareOf);
    if (kind == NESTEROV) {
      Quad velocity = loadQuad(velocities, i, live);
      float alongOf[QUAD];
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        alongOf[j] = slopes.gradient.v[j] * velocity.v[j];
      }
      alongVelocity.add(alongOf);
    }
  });
  double results[8] = {slope.total(),
                       squares.total(),
                       alongVelocity.total(),
                       largest,
                       largestNegative,
                       largestCoefficient,
                       largestNegativeCoefficient,
                       largestCurvature};
  row.group.template reduce<3>(results);
  ascent.slope = results[0];
  ascent.squaredNorm = results[1];
  ascent.momentumSlope = results[2];
  ascent.span = results[3] + results[4];
  ascent.coefficientSpan = results[5] + results[6];
  ascent.largestCurvature = results[7];
}

/// Moves the logits along the direction to the proposal's slot and normalises them; or, for a step
/// after which nothing is measured, to the table.
///
/// With Nesterov's velocity v: v' = momentum v + step direction, and the proposal is theta + step
/// direction + nextMomentum v'.
template <bool CLUSTERED>
CLIPKL_SWEEP void propose(Row<CLUSTERED>& row, double step, double momentum, double nextMomentum,
                          bool isUnmeasured) {
  Policy& proposed = row.proposed;
  bool hasMoment = hasProposedMoment(row.optimizer);
  proposed.slot = row.freeSlot();
  proposed.momentSlot =
      hasMoment && row.backtracks ? 1 - row.current.momentSlot : row.current.momentSlot;
  float* to = row.arrays.logits(proposed.slot);
  float* momentFrom = hasMoment ? row.arrays.moment(row.current.momentSlot) : nullptr;
  float* momentTo = hasMoment ? row.arrays.moment(proposed.momentSlot) : nullptr;
  if (isUnmeasured) {
    to = row.arrays.tableRow(row.parameters.logits);
    momentTo = hasMoment ? row.arrays.tableRow(row.parameters.moment1) : nullptr;
  }
  float stepSingle = float(step);
  float momentumSingle = float(momentum);
  float nextSingle = float(nextMomentum);
  float center = row.center;
  MassSums sums;
  Slopes<CLUSTERED> slopes(row);
  row.arrays.part.forEachQuad([&](int i, int live) {
    slopes.take(i, live);
    Quad d = slopes.direction(i, live);
    Quad moved;
    int kind = opaque(slopes.optimizer);
    if (kind == GRADIENT || kind == NESTEROV) {
      Quad before = loadQuad(momentFrom, i, live);
      Quad after;
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        float x = slopes.logits.v[j];
        if (kind == GRADIENT) {
          // What rounding takes from the logit is kept for the next step.
          float increment = fmaf(d.v[j], stepSingle, before.v[j]);
          moved.v[j] = x + increment;
          after.v[j] = increment - (moved.v[j] - x);
        } else {
          float move = d.v[j] * stepSingle;
          after.v[j] = fmaf(before.v[j], momentumSingle, move);
          moved.v[j] = fmaf(after.v[j], nextSingle, x + move);
        }
      }
      storeQuad(momentTo, i, live, after);
    } else {
#pragma unroll
      for (int j = 0; j < QUAD; j++) {
        moved.v[j] = fmaf(d.v[j], stepSingle, slopes.logits.v[j]);
      }
    }
    storeQuad(to, i, live, moved);
    if (!opaque(isUnmeasured)) {
      sums.add(moved, slopes.values, center, live, 0);
    }
  });
  if (isUnmeasured) {
    return;
  }
  double results[2] = {sums.mass.total(), sums.value.total()};
  row.group.template reduce<2>(results);
  finishNormalizing(row, proposed, results[0], results[1]);
}

/// Writes the gradient at the current policy, p_old.
template <bool CLUSTERED>
CLIPKL_SWEEP void writeGradient(Row<CLUSTERED>& row) {
  float* to = row.arrays.tableRow(row.parameters.gradients);
  Slopes<CLUSTERED> slopes(row);
  row.arrays.part.forEachQuad([&](int i, int live) {
    slopes.take(i, live);
    storeQuad(to, i, live, slopes.gradient);
  });
}

}  // namespace clipkl
