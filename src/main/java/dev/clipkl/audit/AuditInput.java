package dev.clipkl.audit;

import org.jspecify.annotations.Nullable;

/**
 * What is audited.
 *
 * @param rows the rows' numbers, {@code [states]}
 * @param startWeights how much each of them counts, {@code [states]}, above 0; normalised here
 * @param actions columns of every row
 * @param policy log p
 * @param reference log q
 * @param sampler log mu, the policy that generated the tokens; null where it is p itself
 */
public record AuditInput(
    long[] rows,
    double[] startWeights,
    int actions,
    LogProbabilities policy,
    LogProbabilities reference,
    @Nullable LogProbabilities sampler) {}
