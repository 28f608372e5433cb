#pragma once

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// f(w) = (w^alpha - alpha w + alpha - 1) / (alpha (alpha - 1)), alpha known when it runs.
struct Divergence {
  float alpha;
  float less;     ///< alpha - 1
  float inverse;  ///< 1 / (alpha - 1)
  float scale;    ///< 1 / (alpha (alpha - 1))

  static CLIPKL_DEVICE bool fuses(int) { return false; }

  CLIPKL_DEVICE explicit Divergence(const RowsParameters& parameters)
      : alpha(float(parameters.alpha)),
        less(alpha - 1.0f),
        inverse(1.0f / less),
        scale(1.0f / (alpha * less)) {}

  CLIPKL_DEVICE double curvatureAtReference() const { return 1.0; }

  CLIPKL_DEVICE double smoothness(double lambda, double constant, double coefficientSpan,
                                  double largestCurvature) const {
    return 0.5 * largestCurvature;
  }

  CLIPKL_DEVICE Measure measure(float p, float q, float logRatio) const {
    float power = ratioExponential(logRatio * less);
    float derivative = (power - 1.0f) * inverse;
    return {derivative, p * derivative, (p * (power - alpha) + q * less) * scale, power};
  }

  /// With b = w*^(alpha - 1), cut off at 0 where t = -distance lies below f'(0), and x = log(w /
  /// w*): q w*^alpha (phi(alpha x) - alpha phi(x)) / (alpha (alpha - 1)) near the optimum, phi(x) =
  /// e^x - 1 - x, elsewhere without the series.
  CLIPKL_DEVICE float gap(float p, float q, float logRatio, float distance) const {
    float b = distance * -less + (alpha < 1.0f ? 0.0f : 1.0f);
    b = b > 0.0f ? b : 0.0f;
    float logPower = logarithm(b);
    float best = ratioExponential(logPower * inverse) * b * q;
    float x = logRatio - logPower * inverse;
    float nearRadius = 1.0f / fmaxf(1.0f, fabsf(alpha));
    if (fabsf(x) < nearRadius) {
      return (exponentialMinusLinear(alpha * x) - alpha * exponentialMinusLinear(x)) * scale * best;
    }
    float power = ratioExponential(logRatio * less);
    float far = ((power - b * alpha) * p + best * less) * scale;
    float below = distance - inverse;
    below = alpha > 1.0f && below > 0.0f ? below : 0.0f;
    return below * p + far;
  }
};

}  // namespace clipkl
