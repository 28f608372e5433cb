package dev.clipkl.engine.nd4j;

import dev.clipkl.engine.BatchArithmetic;
import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.LockstepEngine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.objective.Divergence;

/**
 * Row programs as ND4J array operations: batches of rows in lockstep, in place, float32 with
 * float64 sums.
 *
 * <p>Bits do not depend on the batch: elementary operations give each entry the same result
 * wherever it lies, and sums are taken over chunks of a row ({@link RowLayout}). They are the same
 * for any number of threads, on one backend and machine.
 *
 * <p>The JVM has one ND4J: the number of threads is that of the engine opened last.
 */
public final class Nd4jEngine extends LockstepEngine {
  /** A batch has as many rows as fit: large arrays repay an operation's overhead. */
  private static final long BATCH_BYTES = 256L << 20;

  /** Beyond it a batch is large enough, even for short rows. */
  private static final int MOST_ROWS = 256;

  private final Nd4jStart start;
  private final int threads;

  /**
   * Finds ND4J and starts it.
   *
   * @param threads of nd4j-native, at least 1
   * @throws dev.clipkl.failure.EnvironmentException when it cannot run here
   */
  public Nd4jEngine(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    this.threads = threads;
    start = Nd4jStart.find();
    start.start(threads);
  }

  /**
   * One line: the backend that an engine would use, found without starting ND4J.
   *
   * @throws dev.clipkl.failure.EnvironmentException when there is none for this machine
   */
  public static String describe(int threads) {
    return describe(Nd4jStart.find(), threads);
  }

  private static String describe(Nd4jStart start, int threads) {
    return "nd4j: float32 with float64 sums, %s, threads %d"
        .formatted(start.description(), threads);
  }

  @Override
  public EngineKind kind() {
    return EngineKind.ND4J;
  }

  @Override
  public String description() {
    return describe(start, threads);
  }

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public long scratchBytes(int columns, OptimizerKind optimizer) {
    RowLayout layout = RowLayout.of(columns);
    int slots = slots(layout, optimizer);
    return slots * ArrayBatch.bytesPerRow(layout, optimizer) + BatchSummary.bytes(slots, layout);
  }

  private static int slots(RowLayout layout, OptimizerKind optimizer) {
    return (int) Math.clamp(BATCH_BYTES / ArrayBatch.bytesPerRow(layout, optimizer), 1L, MOST_ROWS);
  }

  @Override
  public OptimumSweeps optimumSweeps(Divergence divergence, double lambda, int columns) {
    return new ScalarOptimumSweeps(divergence, lambda, columns);
  }

  @Override
  protected BatchArithmetic createBatch(int columns, OptimizerKind optimizer) {
    RowLayout layout = RowLayout.of(columns);
    return new ArrayBatch(slots(layout, optimizer), layout, optimizer);
  }
}
