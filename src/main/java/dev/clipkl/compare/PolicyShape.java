package dev.clipkl.compare;

/**
 * Whether a policy covers the reference's mass or seeks modes, in numbers. Means over the states
 * are weighted as the metrics are; p is the policy, q the reference.
 *
 * @param entropy {@code -sum p log p}, nats, mean
 * @param effectiveTokens {@code exp(entropy)} of each row, mean
 * @param referenceMassKept {@code sum_{a in T} min(p_a, q_a) / sum_{a in T} q_a}, T the fewest most
 *     probable tokens of the reference that hold 0.9 of its mass, mean
 * @param tailMass p's mass on tokens with {@code q_a < 1e-6}, mean
 * @param referenceTailMass q's mass on the same tokens, mean
 * @param minProbability {@code min_a p_a} over all states
 */
public record PolicyShape(
    double entropy,
    double effectiveTokens,
    double referenceMassKept,
    double tailMass,
    double referenceTailMass,
    double minProbability) {}
