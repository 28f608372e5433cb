package dev.clipkl.compare;

/**
 * How many of two policies' most probable tokens are the same.
 *
 * @param first a divergence's name
 * @param second another, or {@code reference}
 * @param count k, the number of most probable tokens that are looked at
 * @param share {@code |top_k(first) and top_k(second)| / k}, mean over the states
 */
public record TopOverlap(String first, String second, int count, double share) {}
