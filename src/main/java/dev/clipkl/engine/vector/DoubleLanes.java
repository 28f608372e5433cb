package dev.clipkl.engine.vector;

import java.math.BigDecimal;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on float64 lanes, from array to array.
 *
 * <p>Each is a fixed sequence of IEEE operations and is called by one short loop, for the reasons
 * that {@link FloatLanes} gives. The exponential's coefficients are those of its Taylor series,
 * whose first omitted term is below a tenth of a unit in the last place; the logarithm's were
 * fitted at Chebyshev's points, since its longer series does not fit the compiler's budget. Array
 * lengths are multiples of {@link #WIDTH}.
 */
final class DoubleLanes {
  /** Entries that arrays are padded to, and lanes of a sum: those of the widest vectors. */
  static final int WIDTH = 8;

  static final VectorSpecies<Double> SPECIES = FloatLanes.DOUBLES;
  static final int LANES = SPECIES.length();

  /** Below this, e^x is not a normal float64: the result is flushed to 0. */
  static final double LEAST_EXPONENT = -708.0;

  /** Above this, e^x is not finite: the argument is clamped. */
  private static final double LARGEST_EXPONENT = 709.0;

  private static final double LOG2_E = 1.0 / Math.log(2.0);

  /** The first 33 bits of log 2, so that its product with an exponent is exact. */
  private static final double LN2_HIGH = Math.scalb(Math.rint(Math.scalb(Math.log(2.0), 33)), -33);

  /** {@code log 2 - LN2_HIGH}, from the first 40 decimals of log 2. */
  private static final double LN2_LOW = ln2Low();

  /** Adding it rounds a small number to an integer, which its low bits then hold. */
  private static final double ROUND_MAGIC = 0x1.8p52;

  private static final double INTEGER_MAGIC = 0x1p52;
  private static final long INTEGER_MAGIC_BITS = Double.doubleToRawLongBits(INTEGER_MAGIC);
  private static final int MANTISSA_BITS = 52;
  private static final long EXPONENT_BIAS = 1023;
  private static final long SQRT_HALF_BITS = Double.doubleToRawLongBits(Math.sqrt(0.5));

  private DoubleLanes() {}

  private static double ln2Low() {
    return new BigDecimal("0.6931471805599453094172321214581765680755")
        .subtract(new BigDecimal(LN2_HIGH))
        .doubleValue();
  }

  /** {@code e^r - 1} for {@code |r| <= log(2) / 2}. */
  private static DoubleVector expm1Near(DoubleVector r) {
    DoubleVector q = DoubleVector.broadcast(SPECIES, 1.0 / 6227020800.0);
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 479001600.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 39916800.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 3628800.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 362880.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 40320.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 5040.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 720.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 120.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 24.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 1.0 / 6.0));
    q = q.fma(r, DoubleVector.broadcast(SPECIES, 0.5));
    return q.mul(r).fma(r, r);
  }

  /** {@code e^x - constant}; the constant is 0 or 1. */
  private static DoubleVector expMinus(DoubleVector x, double constant) {
    // Compare and blend, since the vector minimum and maximum follow slow NaN rules.
    DoubleVector bounded =
        x.blend(LEAST_EXPONENT, x.lt(LEAST_EXPONENT))
            .blend(LARGEST_EXPONENT, x.compare(VectorOperators.GT, LARGEST_EXPONENT));
    DoubleVector shifted =
        bounded.fma(
            DoubleVector.broadcast(SPECIES, LOG2_E), DoubleVector.broadcast(SPECIES, ROUND_MAGIC));
    DoubleVector n = shifted.sub(ROUND_MAGIC);
    DoubleVector r =
        n.fma(
            DoubleVector.broadcast(SPECIES, -LN2_LOW),
            n.fma(DoubleVector.broadcast(SPECIES, -LN2_HIGH), bounded));
    DoubleVector scale =
        shifted
            .reinterpretAsLongs()
            .add(EXPONENT_BIAS)
            .lanewise(VectorOperators.LSHL, MANTISSA_BITS)
            .reinterpretAsDoubles();
    DoubleVector result = expm1Near(r).fma(scale, scale.sub(constant));
    return result.blend(-constant, x.lt(LEAST_EXPONENT));
  }

  /** {@code destination[i] = e^{scale source[i]}}, 0 below e^-708; within 1 ulp. */
  static void exp(double[] source, double scale, double[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      expMinus(DoubleVector.fromArray(SPECIES, source, i).mul(scale), 0.0)
          .intoArray(destination, i);
    }
  }

  /** {@code destination[i] = e^{scale source[i]} - 1}; within 2 ulp. */
  static void expm1(double[] source, double scale, double[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      expMinus(DoubleVector.fromArray(SPECIES, source, i).mul(scale), 1.0)
          .intoArray(destination, i);
    }
  }

  /**
   * {@code destination[i] = log(source[i] + shift)}, of the least normal number where that is not
   * above it; within 1 ulp of the rounded sum's.
   *
   * <p>With {@code x = 2^n (1 + f)}, {@code s = f / (2 + f)}: {@code log(1 + f) = 2 artanh s = f -
   * (f^2 / 2 - s (f^2 / 2 + R))}, {@code R = sum_n 2 s^2n / (2n + 1)}, where only the small tail is
   * rounded more than once.
   */
  static void log(double[] source, double shift, double[] destination, int length) {
    // Written out: the compiler does not inline a method of ours that it has compiled on its own.
    for (int i = 0; i < length; i += LANES) {
      DoubleVector sum = DoubleVector.fromArray(SPECIES, source, i).add(shift);
      LongVector bits =
          sum.blend(Double.MIN_NORMAL, sum.lt(Double.MIN_NORMAL)).reinterpretAsLongs();
      // Never negative, so that a logical shift will do.
      LongVector biased =
          bits.add((EXPONENT_BIAS << MANTISSA_BITS) - SQRT_HALF_BITS)
              .lanewise(VectorOperators.LSHR, MANTISSA_BITS);
      DoubleVector n =
          biased.or(INTEGER_MAGIC_BITS).reinterpretAsDoubles().sub(INTEGER_MAGIC + EXPONENT_BIAS);
      DoubleVector f =
          bits.sub(biased.sub(EXPONENT_BIAS).lanewise(VectorOperators.LSHL, MANTISSA_BITS))
              .reinterpretAsDoubles()
              .sub(1.0);
      DoubleVector s = f.div(f.add(2.0));
      DoubleVector z = s.mul(s);
      DoubleVector q = DoubleVector.broadcast(SPECIES, 0.14616449820782476);
      q = q.fma(z, DoubleVector.broadcast(SPECIES, 0.15331721589574307));
      q = q.fma(z, DoubleVector.broadcast(SPECIES, 0.181828891255921));
      q = q.fma(z, DoubleVector.broadcast(SPECIES, 0.22222211134790545));
      q = q.fma(z, DoubleVector.broadcast(SPECIES, 0.28571428625975515));
      q = q.fma(z, DoubleVector.broadcast(SPECIES, 0.39999999999899505));
      q = q.fma(z, DoubleVector.broadcast(SPECIES, 0.666666666666667));
      DoubleVector halfSquare = f.mul(f).mul(0.5);
      DoubleVector tail = q.fma(z, halfSquare).fma(s, n.mul(LN2_LOW));
      n.fma(DoubleVector.broadcast(SPECIES, LN2_HIGH), f.sub(halfSquare.sub(tail)))
          .intoArray(destination, i);
    }
  }
}
