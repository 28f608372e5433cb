#pragma once

// It has fused sweeps.
#define CLIPKL_FUSES

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// KL(q || p): f(w) = -log w + w - 1.
///
/// G = Q - lambda (1 - q / p) up to a constant, so that E_p G = E_p Q and the gradient
/// p (Q - E_p Q - lambda) + lambda q needs no ratio.
struct Divergence {
  static constexpr bool MEAN_READS_DISTANCE = false;
  static constexpr bool DIRECTION_READS_P = true;

  static CLIPKL_DEVICE bool fuses(int optimizer) {
    return optimizer == GRADIENT || optimizer == PRECONDITIONED;
  }

  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  /// E_p[G] from E_p of the advantages whose clip is inactive; E_p[f'] = 1 - sum q is 0.
  static CLIPKL_DEVICE double fusedMean(double kept, double, double) { return kept; }

  /// E_p[Q] + lambda, less the baseline of the advantages.
  static CLIPKL_DEVICE double fusedShift(double meanCoefficient, double, double lambda) {
    return meanCoefficient + lambda;
  }

  /// The gradient, or lambda times the preconditioned one; `excess` is Q less the shift.
  static CLIPKL_DEVICE float fusedDirection(bool isGradient, float excess, float,
                                            float logReference, float p, float lambda) {
    float q = exponential(logReference);
    float gradient = fmaf(excess, p, lambda * q);
    // Where both vanish the gradient does: any divisor will do.
    return isGradient ? gradient : gradient / fmaxf(fmaxf(p, q), LEAST_NORMAL);
  }

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
