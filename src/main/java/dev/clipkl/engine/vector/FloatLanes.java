package dev.clipkl.engine.vector;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Elementary functions on float32 lanes.
 *
 * <p>Each is a fixed sequence of IEEE operations (no {@code VectorOperators.EXP}, whose result
 * depends on whether the code is compiled), so that interpreted and compiled code give the same
 * bits at any vector width. The polynomial coefficients were fitted to minimise the largest error
 * on their interval.
 *
 * <p>The compiler's inlining budget is some 60 vector operations a method; a helper that it leaves
 * out returns its vector on the heap, tens of times slower. So the functions from vector to vector
 * are this class's own, each is called by one short loop from array to array, and every other loop
 * of this package calls the Vector API alone, whose methods are always inlined.
 *
 * <p>Arrays have lengths that are multiples of {@link #BLOCK}, whatever the machine's vectors.
 */
final class FloatLanes {
  /** Lanes of a sum: those of the widest vectors. */
  static final int WIDTH = 16;

  /** Entries that arrays are padded to. */
  static final int BLOCK = 4 * WIDTH;

  /** Its exponential is 0. */
  static final float VANISHING_LOGIT = -0x1p20f;

  static final VectorSpecies<Float> SPECIES = species();
  static final int LANES = SPECIES.length();

  static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, SPECIES.vectorShape());

  static final VectorSpecies<Double> DOUBLES =
      VectorSpecies.of(double.class, SPECIES.vectorShape());

  /**
   * Ratios are formed as exponentials clamped to e^-80 .. e^80 (5.5e34), so that products with
   * lambda and an advantage stay finite. A policy's probability leaves this range of its reference
   * only where both its row gradient and its share of any metric are below float32 resolution.
   */
  static final float RATIO_EXPONENT = 80f;

  private static final float LOG2_E = 1.442695f;
  private static final double LN2_EXACT = StrictMath.log(2.0);
  private static final float LN2 = (float) LN2_EXACT;

  /** Below it, {@code e^x} is nothing beside x. */
  private static final float LEAST_CURVED = -64f;

  private static final float LN2_HIGH = 355f / 512f;
  private static final float LN2_LOW = -2.12194440e-4f;

  /** Adding it rounds a small number to an integer, which its low bits then hold. */
  private static final float ROUND_MAGIC = 12582912f;

  private static final int ROUND_MAGIC_BITS = Float.floatToRawIntBits(ROUND_MAGIC);
  private static final int EXPONENT_BIAS = 127;

  /** {@link #ROUND_MAGIC}'s bits with the largest exponent of a float, biased, in the low ones. */
  private static final int LARGEST_EXPONENT_BITS = ROUND_MAGIC_BITS + 254;

  private static final int MANTISSA_BITS = 23;

  private FloatLanes() {}

  /**
   * The widest vectors that the machine prefers, up to {@link #WIDTH} lanes; {@code
   * -Dclipkl.vector-bits=128} (or 256, 512) takes others, to show that the results are the same.
   */
  private static VectorSpecies<Float> species() {
    Integer bits = Integer.getInteger("clipkl.vector-bits");
    VectorSpecies<Float> preferred = FloatVector.SPECIES_PREFERRED;
    if (bits == null) {
      return preferred.length() <= WIDTH ? preferred : FloatVector.SPECIES_512;
    }
    return switch (bits) {
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              "clipkl.vector-bits must be 128, 256 or 512, got " + bits);
    };
  }

  /** The length of a row with its padding. */
  static int padded(int columns) {
    return Math.ceilDiv(columns, BLOCK) * BLOCK;
  }

  /**
   * {@code 2^-offset e^x} for x up to 2^20, within 1.5 units in the last place; 0 where that is
   * below 2^-127, at most 2^127 e^{1/2} where it is above. NaN stays NaN, infinity becomes NaN.
   *
   * <p>The offset enters the result's exponent alone, so that nothing is lost in a subtraction.
   *
   * <p>Outside this class only for the loops of {@link StreamedSweep} and {@link
   * FusedSweep#measureInBlocks}.
   */
  static FloatVector exp(FloatVector argument, int offset) {
    // The exponent that means 0.
    float least = (float) ((offset - EXPONENT_BIAS) * LN2_EXACT);
    FloatVector x = argument.blend(least, argument.lt(least));
    // Its low bits are then the result's exponent, biased.
    float magic = ROUND_MAGIC + EXPONENT_BIAS - offset;
    FloatVector shifted =
        x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, magic));
    FloatVector n = shifted.sub(magic);
    FloatVector r =
        n.fma(
            FloatVector.broadcast(SPECIES, -LN2_LOW),
            n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), x));
    // Estrin's scheme: a shorter chain of dependent operations than Horner's.
    FloatVector square = r.mul(r);
    FloatVector high =
        r.fma(
            FloatVector.broadcast(SPECIES, 0.0083687175f),
            FloatVector.broadcast(SPECIES, 0.04166839f));
    FloatVector low =
        r.fma(
            FloatVector.broadcast(SPECIES, 0.16666521f),
            FloatVector.broadcast(SPECIES, 0.49999994f));
    FloatVector q =
        square.fma(FloatVector.broadcast(SPECIES, 0.0013814596f), high).fma(square, low);
    FloatVector scale =
        shifted
            .reinterpretAsInts()
            .min(LARGEST_EXPONENT_BITS)
            .lanewise(VectorOperators.LSHL, MANTISSA_BITS)
            .reinterpretAsFloats();
    return q.fma(square, r).fma(scale, scale);
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

  /**
   * {@code e^x - 1 - x} for x up to 60, relative error below 5 ulp: with {@code x = n log 2 + r} it
   * is {@code (2^n - 1 - n log 2) + r (2^n - 1) + 2^n (e^r - 1 - r)}, whose terms hardly cancel.
   */
  private static FloatVector expMinusLinearFar(FloatVector x) {
    FloatVector shifted =
        x.fma(FloatVector.broadcast(SPECIES, LOG2_E), FloatVector.broadcast(SPECIES, ROUND_MAGIC));
    FloatVector n = shifted.sub(ROUND_MAGIC);
    FloatVector r =
        n.fma(
            FloatVector.broadcast(SPECIES, -LN2_LOW),
            n.fma(FloatVector.broadcast(SPECIES, -LN2_HIGH), x));
    FloatVector square = r.mul(r);
    FloatVector highest =
        r.fma(
            FloatVector.broadcast(SPECIES, 0.0001989198f),
            FloatVector.broadcast(SPECIES, 0.0013934541f));
    FloatVector high =
        r.fma(
            FloatVector.broadcast(SPECIES, 0.0083333105f),
            FloatVector.broadcast(SPECIES, 0.041666456f));
    FloatVector low =
        r.fma(FloatVector.broadcast(SPECIES, 0.16666667f), FloatVector.broadcast(SPECIES, 0.5f));
    FloatVector q = square.fma(highest, high).fma(square, low);
    FloatVector scale =
        shifted
            .reinterpretAsInts()
            .sub(ROUND_MAGIC_BITS - EXPONENT_BIAS)
            .lanewise(VectorOperators.LSHL, MANTISSA_BITS)
            .reinterpretAsFloats();
    FloatVector excess = scale.sub(1f);
    FloatVector result =
        scale
            .mul(square)
            .fma(q, r.fma(excess, n.fma(FloatVector.broadcast(SPECIES, -LN2), excess)));
    return result.blend(x.neg().sub(1f), x.lt(LEAST_CURVED));
  }

  /** {@code destination[i] = e^{scale source[i]}}. */
  static void exp(float[] source, float scale, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, source, i).mul(scale), 0).intoArray(destination, i);
    }
  }

  /** {@code destination[i] = 2^-offset e^{source[i]}} for i in {@code [start, start + length)}. */
  static void offsetExp(float[] source, int offset, float[] destination, int start, int length) {
    for (int i = start; i < start + length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, source, i), offset).intoArray(destination, i);
    }
  }

  /**
   * {@link #offsetExp} of a piece that is read from memory, while it and two others are copied from
   * there to the same places of arrays: so memory is waited for beside the arithmetic.
   */
  static void offsetExp(
      MemorySegment from,
      float[] to,
      MemorySegment from2,
      float[] to2,
      MemorySegment from3,
      float[] to3,
      int offset,
      float[] destination,
      int start,
      int length) {
    for (int i = start; i < start + length; i += LANES) {
      long at = (long) i * Float.BYTES;
      FloatVector.fromMemorySegment(SPECIES, from2, at, ByteOrder.LITTLE_ENDIAN).intoArray(to2, i);
      FloatVector.fromMemorySegment(SPECIES, from3, at, ByteOrder.LITTLE_ENDIAN).intoArray(to3, i);
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, from, at, ByteOrder.LITTLE_ENDIAN);
      x.intoArray(to, i);
      exp(x, offset).intoArray(destination, i);
    }
  }

  /**
   * {@link #exp(float[], float, float[], int)} with the exponent clamped to [-80, 80]: see {@link
   * #RATIO_EXPONENT}.
   */
  static void ratioExp(float[] source, float scale, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, source, i).mul(scale);
      exp(
              x.blend(-RATIO_EXPONENT, x.lt(-RATIO_EXPONENT))
                  .blend(RATIO_EXPONENT, x.compare(VectorOperators.GT, RATIO_EXPONENT)),
              0)
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

  /** {@code destination[i] = e^x - 1 - x} with {@code x = source[i]} up to 60. */
  static void expMinusLinearFar(float[] source, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      expMinusLinearFar(FloatVector.fromArray(SPECIES, source, i)).intoArray(destination, i);
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
      exp(FloatVector.fromArray(SPECIES, source, i).abs().neg(), 0).intoArray(destination, i);
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
