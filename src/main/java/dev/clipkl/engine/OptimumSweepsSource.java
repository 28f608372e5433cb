package dev.clipkl.engine;

import dev.clipkl.objective.Divergence;

/** Makes the sweeps that solving for row optima is made of, one for each thread. */
@FunctionalInterface
public interface OptimumSweepsSource {

  /**
   * The sweeps over one row that solving for its optimum is made of; for one thread.
   *
   * @param lambda above 0
   */
  OptimumSweeps optimumSweeps(Divergence divergence, double lambda, int columns);
}
