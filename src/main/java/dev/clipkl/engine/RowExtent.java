package dev.clipkl.engine;

/**
 * What an optimum's solver needs to know about a row before its first step.
 *
 * @param largestActionValue {@code max Q}
 * @param span {@code max Q - min Q}
 * @param referenceMass {@code sum_a q_a}: 1 but for the rounding of a stored reference
 * @param meanDistance {@code sum_a q_a h_a}, {@code h_a = max Q - Q_a}
 */
public record RowExtent(
    double largestActionValue, double span, double referenceMass, double meanDistance) {}
