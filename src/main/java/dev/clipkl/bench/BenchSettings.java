package dev.clipkl.bench;

import dev.clipkl.objective.Divergence;
import java.util.List;

/**
 * What is timed.
 *
 * @param columns the vocabulary's size
 * @param rows rows at the most
 * @param innerSteps the values of K
 * @param divergences each with both methods
 * @param threads for engines and for the memory sweep alike
 * @param seconds for everything that is measured together
 */
public record BenchSettings(
    int columns,
    int rows,
    List<Integer> innerSteps,
    List<Divergence> divergences,
    int threads,
    double seconds) {}
