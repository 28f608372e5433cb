package dev.clipkl.training;

/**
 * When a run stops, whichever comes first. The gap is looked at between blocks of outer iterations.
 *
 * @param outerIterations most outer iterations
 * @param tolerance exact mean gap that is good enough
 * @param seconds most seconds of training, all sessions of the run together
 */
public record TrainingLimits(int outerIterations, double tolerance, double seconds) {}
