package dev.clipkl.engine.reference;

import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.RowArithmetic;
import dev.clipkl.engine.RowEngine;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.objective.Divergence;

/** The oracle: row programs in scalar float64. */
public final class ReferenceEngine extends RowEngine {

  /**
   * An oracle with its own threads.
   *
   * @param threads at least 1
   */
  public ReferenceEngine(int threads) {
    super(threads);
  }

  @Override
  public EngineKind kind() {
    return EngineKind.REFERENCE;
  }

  @Override
  public String description() {
    return "reference: scalar float64, threads " + threads();
  }

  @Override
  public long scratchBytes(int columns, OptimizerKind optimizer) {
    return (long) threads() * columns * Double.BYTES * ScalarArithmetic.arrays(optimizer);
  }

  @Override
  public OptimumSweeps optimumSweeps(Divergence divergence, double lambda, int columns) {
    return new ScalarOptimumSweeps(divergence, lambda, columns);
  }

  @Override
  protected RowArithmetic createArithmetic(int columns, OptimizerKind optimizer) {
    return new ScalarArithmetic(columns, optimizer);
  }
}
