#pragma once

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// KL(q || p): f(w) = -log w + w - 1.
struct Divergence {
  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  CLIPKL_DEVICE double curvatureAtReference() const { return 1.0; }

  CLIPKL_DEVICE double smoothness(double lambda, double constant, double coefficientSpan,
                                  double largestCurvature) const {
    return constant;
  }

  CLIPKL_DEVICE Measure measure(float p, float q, float logRatio) const {
    float inverse = ratioExponential(-logRatio);
    float difference = p - q;
    return {1.0f - inverse, difference, difference - q * logRatio, inverse};
  }

  /// With x = log(w / w*), w* = 1 / distance: q (e^x - 1 - x).
  CLIPKL_DEVICE float gap(float p, float q, float logRatio, float distance) const {
    float x = logarithm(distance) + logRatio;
    if (fabsf(x) < 1.0f) {
      return exponentialMinusLinear(x) * q;
    }
    return p * distance - q - q * x;
  }
};

}  // namespace clipkl
