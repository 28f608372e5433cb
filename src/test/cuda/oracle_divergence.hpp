// The divergences' equations in float64, each as it is written on paper.
#pragma once

#include <algorithm>
#include <cmath>

#include "oracle.hpp"

namespace oracle {

inline double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// f' and its relatives at w, by log w.
struct Divergence {
  const Program& program;

  bool is(const char* name) const { return program.divergence == name; }

  double derivative(double l) const {
    double a = program.alpha;
    if (is("reverse-kl")) return l;
    if (is("forward-kl")) return 1.0 - std::exp(-l);
    if (is("js")) return 0.5 * (std::log(2.0) - softplus(-l));
    if (is("chi2")) return 2.0 * (std::exp(l) - 1.0);
    if (is("hellinger2")) return 1.0 - std::exp(-0.5 * l);
    return std::expm1((a - 1.0) * l) / (a - 1.0);
  }

  /// w f''(w).
  double curvature(double l) const {
    if (is("reverse-kl")) return 1.0;
    if (is("forward-kl")) return std::exp(-l);
    if (is("js")) return 0.5 / (1.0 + std::exp(l));
    if (is("chi2")) return 2.0 * std::exp(l);
    if (is("hellinger2")) return 0.5 * std::exp(-0.5 * l);
    return std::exp((program.alpha - 1.0) * l);
  }

  double value(double l) const {
    double w = std::exp(l);
    double a = program.alpha;
    if (is("reverse-kl")) return w * l - w + 1.0;
    if (is("forward-kl")) return -l + w - 1.0;
    if (is("js")) return 0.5 * (w * l - (1.0 + w) * std::log((1.0 + w) / 2.0));
    if (is("chi2")) return (w - 1.0) * (w - 1.0);
    if (is("hellinger2")) return std::pow(std::exp(0.5 * l) - 1.0, 2);
    return (std::pow(w, a) - a * w + a - 1.0) / (a * (a - 1.0));
  }

  /// f(w) + f*(t) - t w, where t = -distance or sup f' - distance.
  double fenchelYoung(double l, double distance) const {
    double a = program.alpha;
    double t = -distance;
    double best = 0.0;  // w*, where f'(w*) = t, or 0.
    if (is("reverse-kl")) best = std::exp(t);
    if (is("forward-kl")) { best = 1.0 / distance; t = 1.0 - distance; }
    if (is("js")) {
      best = 1.0 / std::expm1(2.0 * distance);
      t = 0.5 * std::log(2.0) - distance;
    }
    if (is("chi2")) best = std::max(0.0, 1.0 + 0.5 * t);
    if (is("hellinger2")) { best = 1.0 / (distance * distance); t = 1.0 - distance; }
    if (is("alpha")) {
      if (a < 1.0) t = 1.0 / (1.0 - a) - distance;
      best = std::pow(std::max(0.0, 1.0 + (a - 1.0) * t), 1.0 / (a - 1.0));
    }
    double atBest = best > 0.0 ? value(std::log(best)) : value(-1e6);
    return value(l) - atBest - t * (std::exp(l) - best);
  }

  double smoothness(double constant, double coefficientSpan, double largestCurvature) const {
    if (is("forward-kl")) return constant;
    if (is("reverse-kl")) {
      return 0.5 * program.lambda + coefficientSpan / (3.0 * std::sqrt(3.0));
    }
    return 0.5 * largestCurvature;
  }
};

}  // namespace oracle
