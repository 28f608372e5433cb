#pragma once

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// Pearson chi-squared: f(w) = (w - 1)^2.
struct Divergence {
  static CLIPKL_DEVICE bool fuses(int) { return false; }

  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  CLIPKL_DEVICE double curvatureAtReference() const { return 2.0; }

  CLIPKL_DEVICE double smoothness(double lambda, double constant, double coefficientSpan,
                                  double largestCurvature) const {
    return 0.5 * largestCurvature;
  }

  CLIPKL_DEVICE Measure measure(float p, float q, float logRatio) const {
    float w = ratioExponential(logRatio);
    float excess = w - 1.0f;
    float derivative = excess * 2.0f;
    return {derivative, p * derivative, (p - q) * excess, w * 2.0f};
  }

  /// w* = max(0, 1 - distance / 2); where it is cut off, t = -distance lies below f'(0) = -2.
  CLIPKL_DEVICE float gap(float p, float q, float logRatio, float distance) const {
    float w = ratioExponential(logRatio);
    float best = distance * -0.5f + 1.0f;
    best = best > 0.0f ? best : 0.0f;
    float below = distance - 2.0f;
    below = below > 0.0f ? below : 0.0f;
    return below * p + (p - q * best) * (w - best);
  }
};

}  // namespace clipkl
