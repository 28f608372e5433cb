#pragma once

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// Jensen-Shannon: f(w) = (w log w - (1 + w) log((1 + w) / 2)) / 2.
struct Divergence {
  static constexpr float LOG_2_SINGLE = 0.6931472f;

  static CLIPKL_DEVICE bool fuses(int) { return false; }

  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  CLIPKL_DEVICE double curvatureAtReference() const { return 0.25; }

  CLIPKL_DEVICE double smoothness(double lambda, double constant, double coefficientSpan,
                                  double largestCurvature) const {
    return 0.5 * largestCurvature;
  }

  CLIPKL_DEVICE Measure measure(float p, float q, float logRatio) const {
    float soft = softplus(logRatio);
    // softplus(-l) = softplus(l) - l; where l is large, what the difference loses is below rounding
    // of the constant.
    float derivative = (LOG_2_SINGLE - (soft - logRatio)) * 0.5f;
    float term = (p * logRatio - (p + q) * (soft - LOG_2_SINGLE)) * 0.5f;
    return {derivative, p * derivative, term, exponential(-soft) * 0.5f};
  }

  /// With x = log(w / w*) and m = log((1 + w) / (1 + w*)): (p (e^-x - 1 + x) - (p + q) (e^-m - 1 +
  /// m)) / 2 near the optimum, elsewhere without the series.
  CLIPKL_DEVICE float gap(float p, float q, float logRatio, float distance) const {
    float twice = distance * 2.0f;
    float inverse = exponential(-twice);
    float complement =
        twice < 1.0f ? twice - exponentialMinusLinear(-twice) : 1.0f - inverse;
    float best = -twice - logarithm(complement);
    float x = logRatio - best;
    if (fabsf(x) < 1.0f) {
      // w* / (1 + w*) = e^(-2 distance).
      float mix = logarithmPlusOne((exponentialMinusLinear(x) + x) * inverse);
      return (exponentialMinusLinear(-x) * p - (p + q) * exponentialMinusLinear(-mix)) * 0.5f;
    }
    return (p * x - (p + q) * (softplus(logRatio) - softplus(best))) * 0.5f;
  }
};

}  // namespace clipkl
