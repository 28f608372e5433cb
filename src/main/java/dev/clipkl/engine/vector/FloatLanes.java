package dev.clipkl.engine.vector;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on float32 lanes.
 *
 * <p>Each is a fixed sequence of IEEE operations (no {@code VectorOperators.EXP}, whose result
 * depends on whether the code is compiled), so that interpreted and compiled code give the same
 * bits. The polynomial coefficients were fitted to minimise the largest error on their interval.
 *
 * <p>The compiler's inlining budget is some 60 vector operations a method; a helper that it leaves
 * out returns its vector on the heap, tens of times slower. So the functions from vector to vector
 * are private to this class, each is called by one short loop from array to array, and every other
 * loop of this package calls the Vector API alone, whose methods are always inlined.
 */
final class FloatLanes {
  static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  static final int LANES = SPECIES.length();

  private static final VectorSpecies<Integer> INTS =
      VectorSpecies.of(int.class, SPECIES.vectorShape());
  static final VectorSpecies<Double> DOUBLES =
      VectorSpecies.of(double.class, SPECIES.vectorShape());

  /** Below this, e^x is not a normal float32: the result is flushed to 0. */
  private static final float LEAST_EXPONENT = -87.3f;

  /** Above this, e^x is not finite: the argument is clamped. */
  private static final float LARGEST_EXPONENT = 88.7f;

  /**
   * Ratios are formed as exponentials clamped to e^-80 .. e^80 (5.5e34), so that products with
   * lambda and an advantage stay finite. A policy's probability leaves this range of its reference
   * only where both its row gradient and its share of any metric are below float32 resolution.
   */
  static final float RATIO_EXPONENT = 80f;

  private static final float LOG2_E = 1.442695f;
  private static final float LN2_HIGH = 355f / 512f;
  private static final float LN2_LOW = -2.12194440e-4f;
  private static final float ROUND_MAGIC = 12582912f;

  private FloatLanes() {}

  /** {@code e^x}, relative error below 1.5 units in the last place; 0 below e^-87.3. */
  private static FloatVector exp(FloatVector x) {
    // Compare and blend, since the vector minimum and maximum follow slow NaN rules.
    FloatVector bounded =
        x.blend(LEAST_EXPONENT, x.lt(LEAST_EXPONENT))
            .blend(LARGEST_EXPONENT, x.compare(VectorOperators.GT, LARGEST_EXPONENT));
    FloatVector n =
        bounded
            .fma(
                FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND_MAGIC))
            .sub(ROUND_MAGIC);
    FloatVector r =
        n.fma(
            FloatVector.broadcast(SPECIES, -LN2_LOW),
            n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), bounded));
    FloatVector q = FloatVector.broadcast(SPECIES, 0.0013814596f);
    q = q.fma(r, FloatVector.broadcast(SPECIES, 0.0083687175f));
    q = q.fma(r, FloatVector.broadcast(SPECIES, 0.04166839f));
    q = q.fma(r, FloatVector.broadcast(SPECIES, 0.16666521f));
    q = q.fma(r, FloatVector.broadcast(SPECIES, 0.49999994f));
    FloatVector mantissa = q.mul(r).fma(r, r).add(1f);
    IntVector exponent =
        ((IntVector) n.convertShape(VectorOperators.F2I, INTS, 0))
            .add(127)
            .lanewise(VectorOperators.LSHL, 23);
    FloatVector scaled = mantissa.mul(exponent.reinterpretAsFloats());
    return scaled.blend(0f, x.lt(LEAST_EXPONENT));
  }

  /** {@code log x} for positive normal x, absolute error below 1e-7 near 1, else 2 ulp. */
  private static FloatVector log(FloatVector x) {
    IntVector bits = x.reinterpretAsInts();
    IntVector exponent = bits.sub(0x3f3504f3).lanewise(VectorOperators.ASHR, 23);
    FloatVector f =
        bits.sub(exponent.lanewise(VectorOperators.LSHL, 23)).reinterpretAsFloats().sub(1f);
    FloatVector q = FloatVector.broadcast(SPECIES, -0.0763443f);
    q = q.fma(f, FloatVector.broadcast(SPECIES, 0.1276155f));
    q = q.fma(f, FloatVector.broadcast(SPECIES, -0.13160194f));
    q = q.fma(f, FloatVector.broadcast(SPECIES, 0.14201762f));
    q = q.fma(f, FloatVector.broadcast(SPECIES, -0.16623357f));
    q = q.fma(f, FloatVector.broadcast(SPECIES, 0.20001227f));
    q = q.fma(f, FloatVector.broadcast(SPECIES, -0.25000823f));
    q = q.fma(f, FloatVector.broadcast(SPECIES, 0.3333333f));
    FloatVector square = f.mul(f);
    FloatVector n = (FloatVector) exponent.convertShape(VectorOperators.I2F, SPECIES, 0);
    FloatVector tail = q.mul(f).sub(0.5f).fma(square, n.mul(LN2_LOW));
    return n.fma(FloatVector.broadcast(SPECIES, LN2_HIGH), f.add(tail));
  }

  /** {@code log(1 + x)} for x above -1, keeping the digits of small x. */
  private static FloatVector log1p(FloatVector x) {
    FloatVector sum = x.add(1f);
    return log(sum).add(x.sub(sum.sub(1f)).div(sum));
  }

  /** {@code e^x - 1 - x} for {@code |x| <= 1}, relative error below 3 ulp. */
  private static FloatVector expMinusLinear(FloatVector x) {
    FloatVector q = FloatVector.broadcast(SPECIES, 2.7722801e-6f);
    q = q.fma(x, FloatVector.broadcast(SPECIES, 2.535483e-5f));
    q = q.fma(x, FloatVector.broadcast(SPECIES, 1.9844025e-4f));
    q = q.fma(x, FloatVector.broadcast(SPECIES, 0.0013885451f));
    q = q.fma(x, FloatVector.broadcast(SPECIES, 0.0083333105f));
    q = q.fma(x, FloatVector.broadcast(SPECIES, 0.041666735f));
    q = q.fma(x, FloatVector.broadcast(SPECIES, 0.16666667f));
    q = q.fma(x, FloatVector.broadcast(SPECIES, 0.5f));
    return q.mul(x).mul(x);
  }

  /** {@code destination[i] = e^{scale source[i]}}. */
  static void exp(float[] source, float scale, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, source, i).mul(scale)).intoArray(destination, i);
    }
  }

  /** {@code destination[i] = e^{source[i] - shift}} for i in {@code [start, start + length)}. */
  static void shiftedExp(float[] source, float shift, float[] destination, int start, int length) {
    for (int i = start; i < start + length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, source, i).sub(shift)).intoArray(destination, i);
    }
  }

  /**
   * {@link #exp(float[], float, float[], int)} with the exponent clamped to [-80, 80]: see {@link
   * #RATIO_EXPONENT}.
   */
  static void ratioExp(float[] source, float scale, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, source, i).mul(scale);
      exp(x.blend(-RATIO_EXPONENT, x.lt(-RATIO_EXPONENT))
              .blend(RATIO_EXPONENT, x.compare(VectorOperators.GT, RATIO_EXPONENT)))
          .intoArray(destination, i);
    }
  }

  /** {@code destination[i] = e^x - 1 - x} with {@code x = scale source[i]}, for |x| up to 1. */
  static void expMinusLinear(float[] source, float scale, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      expMinusLinear(FloatVector.fromArray(SPECIES, source, i).mul(scale))
          .intoArray(destination, i);
    }
  }

  /** {@code destination[i] = log max(source[i], least positive normal number)}. */
  static void log(float[] source, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      log(FloatVector.fromArray(SPECIES, source, i).max(Float.MIN_NORMAL))
          .intoArray(destination, i);
    }
  }

  /** {@code destination[i] = log(1 + source[i])}. */
  static void log1p(float[] source, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      log1p(FloatVector.fromArray(SPECIES, source, i)).intoArray(destination, i);
    }
  }

  /** {@code destination[i] = log(1 + e^{source[i]})}. */
  static void softplus(float[] source, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, source, i).abs().neg()).intoArray(destination, i);
    }
    log1p(destination, destination, length);
    for (int i = 0; i < length; i += LANES) {
      FloatVector.fromArray(SPECIES, source, i)
          .max(0f)
          .add(FloatVector.fromArray(SPECIES, destination, i))
          .intoArray(destination, i);
    }
  }

  /** Largest entry of {@code [start, start + length)}; -infinity if there is none. */
  static float largest(float[] array, int start, int length) {
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, array, i);
      largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  /** Least entry of {@code [start, start + length)}; infinity if there is none. */
  static float least(float[] array, int start, int length) {
    FloatVector least = FloatVector.broadcast(SPECIES, Float.POSITIVE_INFINITY);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, array, i);
      least = least.blend(x, x.lt(least));
    }
    return least.reduceLanes(VectorOperators.MIN);
  }
}
