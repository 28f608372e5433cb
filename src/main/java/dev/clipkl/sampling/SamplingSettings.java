package dev.clipkl.sampling;

/**
 * How texts are drawn.
 *
 * @param samples how many, at least 1
 * @param seed the same seed draws the same texts
 * @param temperature tokens are drawn from {@code p^(1/temperature)}, normalised; above 0
 * @param topP tokens are drawn from the fewest most probable ones that have at least this mass, of
 *     equals the lower id first; in (0, 1], 1 for all
 * @param maxLength tokens after which a text is broken off, at least 1
 */
public record SamplingSettings(
    int samples, long seed, double temperature, double topP, int maxLength) {
  public SamplingSettings {
    if (samples < 1
        || maxLength < 1
        || !(temperature > 0.0 && temperature < Double.POSITIVE_INFINITY)
        || !(topP > 0.0 && topP <= 1.0)) {
      throw new IllegalArgumentException(
          "samples and maxLength must be >= 1, temperature above 0 and finite, topP in (0, 1], got"
              + " %d, %d, %s and %s".formatted(samples, maxLength, temperature, topP));
    }
  }
}
