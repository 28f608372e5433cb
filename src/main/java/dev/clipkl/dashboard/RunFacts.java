package dev.clipkl.dashboard;

import java.util.Map;

/**
 * What a page says about a run from the start.
 *
 * @param name of the run
 * @param configuration all keys with their values, in order
 * @param tolerance the gap at which it stops
 * @param outerIterations at which it stops at the latest
 */
public record RunFacts(
    String name, Map<String, String> configuration, double tolerance, int outerIterations) {}
