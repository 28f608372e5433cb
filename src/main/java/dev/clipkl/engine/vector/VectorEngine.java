package dev.clipkl.engine.vector;

import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.OptimumSweepsSource;
import dev.clipkl.engine.RowArithmetic;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowEngine;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.objective.Divergence;
import org.jspecify.annotations.Nullable;

/** Fused row programs in float32 on the CPU's vector unit, with float64 sums. */
public final class VectorEngine extends RowEngine {
  private final CarriedRows carried = new CarriedRows();

  /**
   * A vector engine with its own threads.
   *
   * @param threads at least 1
   */
  public VectorEngine(int threads) {
    super(threads);
  }

  /** Width of the vectors that the engine uses on this machine, bits. */
  public static int vectorBits() {
    return FloatLanes.SPECIES.vectorBitSize();
  }

  /** The sweeps of row optima alone, for engines that have none of their own. */
  public static OptimumSweepsSource optimumSweepsSource() {
    return VectorOptimumSweeps::new;
  }

  @Override
  public EngineKind kind() {
    return EngineKind.VECTOR;
  }

  @Override
  public String description() {
    return "vector: float32 with float64 sums, %d-bit vectors, threads %d"
        .formatted(vectorBits(), threads());
  }

  @Override
  public long scratchBytes(int columns, OptimizerKind optimizer) {
    return (long) threads() * columns * Float.BYTES * VectorArithmetic.arrays(optimizer);
  }

  @Override
  public OptimumSweeps optimumSweeps(Divergence divergence, double lambda, int columns) {
    return new VectorOptimumSweeps(divergence, lambda, columns);
  }

  @Override
  public void run(
      RowBlock block, RowProgram program, int outerIterations, @Nullable RowResults results) {
    carried.begin(block, program);
    super.run(block, program, outerIterations, results);
  }

  @Override
  protected RowArithmetic createArithmetic(int columns, OptimizerKind optimizer) {
    return new VectorArithmetic(columns, optimizer, carried);
  }
}
