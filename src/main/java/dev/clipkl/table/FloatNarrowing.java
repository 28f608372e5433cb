package dev.clipkl.table;

/**
 * Narrowing to 16-bit floating point, to nearest with ties to even. NaN stays NaN (quiet), an
 * overflow becomes infinite.
 */
final class FloatNarrowing {
  private FloatNarrowing() {}

  /** bfloat16 of {@code value}. */
  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      // Rounding could carry a NaN's payload into infinity; keep its top bits and make it quiet.
      return (short) ((bits >>> 16) | 0x40);
    }
    int tieToEven = (bits >>> 16) & 1;
    return (short) ((bits + 0x7fff + tieToEven) >>> 16);
  }

  /** The float with bfloat16 {@code bits}: exact. */
  static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /**
   * A float from which a further rounding to at most 22 bits gives what rounding {@code value} once
   * would: rounded to odd (truncated, last bit set if inexact), so no tie is made up on the way.
   */
  static float roundToOdd(double value) {
    float nearest = (float) value;
    if (nearest == value || Double.isNaN(value)) {
      return nearest;
    }
    int bits = Float.floatToRawIntBits(nearest);
    // In sign-magnitude bits, one less is the neighbour nearer to zero.
    int truncated = Math.abs((double) nearest) > Math.abs(value) ? bits - 1 : bits;
    return Float.intBitsToFloat(truncated | 1);
  }
}
