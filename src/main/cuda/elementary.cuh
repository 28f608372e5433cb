// Elementary functions on float32, each a fixed sequence of IEEE operations: the same bits on every
// chip and in the host shim. Polynomials and their errors are those of the vector engine.
#pragma once

#include "platform.cuh"

namespace clipkl {

constexpr float LOG2_E = 1.442695f;
constexpr float LN2_HIGH = 355.0f / 512.0f;
constexpr float LN2_LOW = -2.12194440e-4f;
constexpr float LEAST_NORMAL = 1.17549435e-38f;
constexpr double LOG_2 = 0.6931471805599453;

/// Ratios are exponentials clamped to e^-80 .. e^80, so that products with them stay finite.
constexpr float RATIO_EXPONENT = 80.0f;

CLIPKL_DEVICE float infinity() { return __int_as_float(0x7f800000); }

/// 2^-offset e^x for x up to 2^20, within 1.5 ulp; 0 where that is below 2^-127, at most
/// 2^127 e^(1/2) where it is above. The offset enters the exponent alone: it costs no digit.
CLIPKL_DEVICE float exponential(float argument, int offset) {
  constexpr float MAGIC = 12582912.0f;
  constexpr int MAGIC_BITS = 0x4b400000;
  float x = argument < -1048576.0f ? -1048576.0f : argument;
  float shifted = fmaf(x, LOG2_E, MAGIC);
  float n = shifted - MAGIC;
  float r = fmaf(n, -LN2_LOW, fmaf(n, -LN2_HIGH, x));
  float square = r * r;
  float high = fmaf(r, 0.0083687175f, 0.04166839f);
  float low = fmaf(r, 0.16666521f, 0.49999994f);
  float q = fmaf(fmaf(square, 0.0013814596f, high), square, low);
  float mantissa = fmaf(q, square, r) + 1.0f;
  int biased = __float_as_int(shifted) - (MAGIC_BITS - 127 + offset);
  biased = biased < 0 ? 0 : biased > 254 ? 254 : biased;
  return mantissa * __int_as_float(biased << 23);
}

CLIPKL_DEVICE float exponential(float x) { return exponential(x, 0); }

/// e^x with x clamped to [-80, 80]; NaN stays NaN.
CLIPKL_DEVICE float ratioExponential(float x) {
  x = x < -RATIO_EXPONENT ? -RATIO_EXPONENT : x > RATIO_EXPONENT ? RATIO_EXPONENT : x;
  return exponential(x);
}

/// log max(x, least normal number), absolute error below 1e-7 near 1, else 2 ulp.
CLIPKL_DEVICE float logarithm(float argument) {
  float x = argument < LEAST_NORMAL ? LEAST_NORMAL : argument;
  int bits = __float_as_int(x);
  int exponent = (bits - 0x3f3504f3) >> 23;
  float f = __int_as_float(bits - exponent * 0x800000) - 1.0f;
  float q = -0.0763443f;
  q = fmaf(q, f, 0.1276155f);
  q = fmaf(q, f, -0.13160194f);
  q = fmaf(q, f, 0.14201762f);
  q = fmaf(q, f, -0.16623357f);
  q = fmaf(q, f, 0.20001227f);
  q = fmaf(q, f, -0.25000823f);
  q = fmaf(q, f, 0.3333333f);
  float square = f * f;
  float n = float(exponent);
  float tail = fmaf(q * f - 0.5f, square, n * LN2_LOW);
  return fmaf(n, LN2_HIGH, f + tail);
}

/// log(1 + x) for x above -1, keeping the digits of small x.
CLIPKL_DEVICE float logarithmPlusOne(float x) {
  float sum = x + 1.0f;
  return logarithm(sum) + (x - (sum - 1.0f)) / sum;
}

/// log(1 + e^x) without overflow.
CLIPKL_DEVICE float softplus(float x) {
  return (x > 0.0f ? x : 0.0f) + logarithmPlusOne(exponential(-fabsf(x)));
}

/// log x in float64: one copy of its code.
CLIPKL_SWEEP double exactLogarithm(double x) { return log(x); }

/// log(1 + x) in float64, keeping the digits of small x.
CLIPKL_DEVICE double exactLogarithmPlusOne(double x) {
  double sum = 1.0 + x;
  return exactLogarithm(sum) + (x - (sum - 1.0)) / sum;
}

/// e^x - 1 - x for |x| <= 1, relative error below 3 ulp.
CLIPKL_DEVICE float exponentialMinusLinear(float x) {
  float q = 2.7722801e-6f;
  q = fmaf(q, x, 2.535483e-5f);
  q = fmaf(q, x, 1.9844025e-4f);
  q = fmaf(q, x, 0.0013885451f);
  q = fmaf(q, x, 0.0083333105f);
  q = fmaf(q, x, 0.041666735f);
  q = fmaf(q, x, 0.16666667f);
  q = fmaf(q, x, 0.5f);
  return q * x * x;
}

}  // namespace clipkl
