#pragma once

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// Squared Hellinger distance: f(w) = (sqrt(w) - 1)^2.
struct Divergence {
  static CLIPKL_DEVICE bool fuses(int) { return false; }

  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  CLIPKL_DEVICE double curvatureAtReference() const { return 0.5; }

  CLIPKL_DEVICE double smoothness(double lambda, double constant, double coefficientSpan,
                                  double largestCurvature) const {
    return 0.5 * largestCurvature;
  }

  CLIPKL_DEVICE Measure measure(float p, float q, float logRatio) const {
    float root = ratioExponential(logRatio * 0.5f);
    float inverse = 1.0f / root;
    float shifted = root - 1.0f;
    // p f' = p - sqrt(p q) = q root (root - 1), which also holds where p underflows.
    return {1.0f - inverse, q * root * shifted, q * shifted * shifted, inverse * 0.5f};
  }

  /// sqrt(w*) = 1 / distance.
  CLIPKL_DEVICE float gap(float p, float q, float logRatio, float distance) const {
    float relative = ratioExponential(logRatio * 0.5f) * distance - 1.0f;
    return q * relative * relative / distance;
  }
};

}  // namespace clipkl
