#pragma once

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// KL(p || q): f(w) = w log w - w + 1.
struct Divergence {
  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  CLIPKL_DEVICE double curvatureAtReference() const { return 1.0; }

  CLIPKL_DEVICE double smoothness(double lambda, double constant, double coefficientSpan,
                                  double largestCurvature) const {
    return 0.5 * lambda + INNER_PRODUCT_BOUND * coefficientSpan;
  }

  CLIPKL_DEVICE Measure measure(float p, float q, float logRatio) const {
    // The centred terms' - p + q sum to zero over a row.
    float weighted = p * logRatio;
    return {logRatio, weighted, weighted, 1.0f};
  }

  /// With x = log(w* / w): p (e^x - 1 - x) near the optimum, elsewhere without the series.
  CLIPKL_DEVICE float gap(float p, float q, float logRatio, float distance) const {
    float x = -(distance + logRatio);
    if (fabsf(x) < 1.0f) {
      return exponentialMinusLinear(x) * p;
    }
    return exponential(-distance) * q - p - p * x;
  }
};

}  // namespace clipkl
