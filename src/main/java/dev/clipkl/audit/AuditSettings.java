package dev.clipkl.audit;

import java.util.List;

/**
 * How samples are drawn and judged.
 *
 * @param sampleSizes numbers of samples, each drawn independently of the others; at least 2
 * @param seed the same seed gives the same samples
 * @param confidence the confidence level of every interval, in (0, 1)
 */
public record AuditSettings(List<Integer> sampleSizes, long seed, double confidence) {}
