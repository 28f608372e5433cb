#pragma once

#include "elementary.cuh"
#include "reductions.cuh"

namespace clipkl {

/// A float64 number as two float32 numbers, to be subtracted one after the other: what float32 loses
/// of a normaliser is the same for all actions and would not average out in a sum.
struct Split {
  float high;
  float low;

  CLIPKL_DEVICE explicit Split(double x) : high(float(x)), low(float(x - double(high))) {}

  CLIPKL_DEVICE float from(float x) const { return x - high - low; }
};

/// One policy of a row, and what was last measured there. Every thread has the same copy.
struct Policy {
  int slot = 0;        ///< which array its logits are in
  int momentSlot = 0;  ///< which array its optimizer's numbers are in

  int offset = 0;              ///< masses are 2^-offset e^logit
  float inverse = 0.0f;        ///< mass times this is the probability
  double logNormalizer = 0.0;  ///< log sum e^logit
  double meanValue = 0.0;      ///< E_p[Q]
  double meanLogRatio = 0.0;   ///< E_p[log p - log q], where the fused sweeps need it

  double meanCoefficient = 0.0;  ///< E_p[G], G = A 1[clip inactive] - lambda f'(w)
  double surrogate = 0.0;        ///< the clipped surrogate
  double bindingMass = 0.0;      ///< p_old-mass of the actions whose clip is active
  double outsideMass = 0.0;      ///< p_old-mass of the actions outside the band
  int bindingActions = 0;        ///< number of actions whose clip is active
};

/// What the step rules need to know of a direction.
struct Ascent {
  double slope;            ///< <g, direction>
  double squaredNorm;      ///< |g|^2
  double momentumSlope;    ///< <g, velocity>
  double span;             ///< max - min of the direction
  double coefficientSpan;  ///< max G - min G
  double largestCurvature; ///< max |G - E_p G - lambda w f''(w)|
};

}  // namespace clipkl
