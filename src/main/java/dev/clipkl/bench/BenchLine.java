package dev.clipkl.bench;

/**
 * One row program on one engine.
 *
 * @param engine the engine's name
 * @param divergence the divergence's name
 * @param method fixed or practical
 * @param innerSteps K, the inner steps of one visit to a row
 * @param rows rows of a sample; a slow engine gets fewer
 * @param acceptedSteps inner steps accepted in a visit, on average
 * @param rejectedSteps trial steps rejected in a visit, on average
 * @param nanoseconds per entry and accepted inner step
 * @param entriesPerSecond {@code 1e9 / nanoseconds}, at the median
 * @param gigabytesPerSecond that many entries at 20 bytes each, 1e9 bytes a gigabyte; more than
 *     moves where rows stay in cache
 * @param shareOfBandwidth {@code gigabytesPerSecond} in units of the measured memory bandwidth
 */
public record BenchLine(
    String engine,
    String divergence,
    String method,
    int innerSteps,
    int rows,
    double acceptedSteps,
    double rejectedSteps,
    Spread nanoseconds,
    double entriesPerSecond,
    double gigabytesPerSecond,
    double shareOfBandwidth) {}
