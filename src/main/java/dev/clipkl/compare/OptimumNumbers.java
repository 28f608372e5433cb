package dev.clipkl.compare;

/**
 * Averages of an exact optimum over the states, weighted as the metrics are.
 *
 * @param value {@code E_p[Q] - lambda D(p)}
 * @param reward {@code E_p[Q]}
 * @param divergence the trained divergence
 * @param klPolicyToReference {@code KL(p || q)}, nats
 * @param klReferenceToPolicy {@code KL(q || p)}, nats
 */
public record OptimumNumbers(
    double value,
    double reward,
    double divergence,
    double klPolicyToReference,
    double klReferenceToPolicy) {}
