#pragma once

// It has fused sweeps.
#define CLIPKL_FUSES

#include "../elementary.cuh"
#include "measure.cuh"

namespace clipkl {

/// KL(p || q): f(w) = w log w - w + 1.
///
/// G - E_p G = t - E_p t with t = Q - lambda (theta - log q), which needs no normaliser.
struct Divergence {
  static constexpr bool MEAN_READS_DISTANCE = true;
  static constexpr bool DIRECTION_READS_P = false;

  /// w f''(w) = 1: natural, Newton and preconditioned are the same.
  static CLIPKL_DEVICE bool fuses(int optimizer) { return optimizer <= PRECONDITIONED; }

  CLIPKL_DEVICE explicit Divergence(const RowsParameters&) {}

  /// E_p[G] from E_p of the advantages whose clip is inactive.
  static CLIPKL_DEVICE double fusedMean(double kept, double meanLogRatio, double lambda) {
    return kept - lambda * meanLogRatio;
  }

  /// E_p[t] less the baseline of the advantages.
  static CLIPKL_DEVICE double fusedShift(double meanCoefficient, double logNormalizer,
                                         double lambda) {
    return meanCoefficient - lambda * logNormalizer;
  }

  /// The gradient, or lambda times the natural one; `excess` is Q less the shift.
  static CLIPKL_DEVICE float fusedDirection(bool isGradient, float excess, float logit,
                                            float logReference, float p, float lambda) {
    float centred = fmaf(logit - logReference, -lambda, excess);
    return isGradient ? centred * p : centred;
  }

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
