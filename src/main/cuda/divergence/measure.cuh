#pragma once

namespace clipkl {

/// 1 / (3 sqrt 3), of RowSmoothness.
constexpr double INNER_PRODUCT_BOUND = 0.19245008972987526;

/// What a divergence is at one action, w = p / q.
struct Measure {
  float derivative;  ///< f'(w)
  float weighted;    ///< p f'(w), also where p underflows
  float term;        ///< q f(w), up to parts that sum to zero over a row
  float curvature;   ///< w f''(w)
};

}  // namespace clipkl
