package dev.clipkl.compare;

import org.jspecify.annotations.Nullable;

/**
 * A policy's place between reward and divergence.
 *
 * @param divergence the divergence it was made for
 * @param lambda its weight
 * @param run the run directory, relative to the comparison's; null for an exact optimum
 * @param reward {@code E_p[Q]}, mean
 * @param klPolicyToReference {@code KL(p || q)}, nats, mean
 * @param klReferenceToPolicy {@code KL(q || p)}, nats, mean
 * @param bestRewardPolicyToReference the most reward that any policy has at this {@code KL(p ||
 *     q)}: the exact frontier of reverse KL
 * @param bestRewardReferenceToPolicy the same at this {@code KL(q || p)}: that of forward KL
 */
public record FrontierPoint(
    String divergence,
    double lambda,
    @Nullable String run,
    double reward,
    double klPolicyToReference,
    double klReferenceToPolicy,
    double bestRewardPolicyToReference,
    double bestRewardReferenceToPolicy) {}
