#pragma once

#include "elementary.cuh"

namespace clipkl {

/// The ratio band of the clipped surrogate.
struct Clip {
  double exactLogUpper;  ///< log(1 + eps)
  float logUpper;
  float logLower;  ///< log(1 - eps)
  float upper;
  float lower;

  CLIPKL_DEVICE explicit Clip(double epsilon)
      : exactLogUpper(exactLogarithmPlusOne(epsilon)),
        logUpper(float(exactLogUpper)),
        logLower(float(exactLogarithmPlusOne(-epsilon))),
        upper(float(1.0 + epsilon)),
        lower(float(1.0 - epsilon)) {}

  /// Whether the clip is active; at an exact tie it is not. `move` is log p - log p_old.
  CLIPKL_DEVICE bool isActive(float advantage, float move) const {
    return advantage >= 0.0f ? !(move <= logUpper) : !(move >= logLower);
  }

  CLIPKL_DEVICE bool isOutsideBand(float move) const { return move > logUpper || move < logLower; }

  /// clip(rho) A of an action whose clip is active.
  CLIPKL_DEVICE float boundedAdvantage(float advantage) const {
    return (advantage >= 0.0f ? upper : lower) * advantage;
  }
};

}  // namespace clipkl
