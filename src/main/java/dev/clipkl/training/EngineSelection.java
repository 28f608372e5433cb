package dev.clipkl.training;

import dev.clipkl.config.EngineChoice;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.engine.cuda.CudaEngine;
import dev.clipkl.engine.cuda.CudaProbe;
import dev.clipkl.engine.nd4j.Nd4jEngine;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.table.ByteSize;

/**
 * An engine and why it was chosen.
 *
 * <p>{@code auto} takes the GPU where the engine cuda can run and its memory holds the run's
 * tables, else the CPU's vector unit: tables that have to travel in every call gain little from a
 * GPU.
 */
public final class EngineSelection implements AutoCloseable {
  private final boolean automatic;
  private final int threads;
  private Engine engine;
  private String reason;

  private EngineSelection(boolean automatic, int threads, Engine engine, String reason) {
    this.automatic = automatic;
    this.threads = threads;
    this.engine = engine;
    this.reason = reason;
  }

  /**
   * Opens the engine that a configuration asks for.
   *
   * @throws EnvironmentException when it is demanded by name and cannot run here
   */
  public static EngineSelection open(EngineChoice choice, int threads) {
    return switch (choice) {
      case AUTO -> automatic(threads);
      case VECTOR -> byName(threads, vector(threads));
      case REFERENCE -> byName(threads, new ReferenceEngine(threads));
      case ND4J -> byName(threads, new Nd4jEngine(threads));
      case CUDA -> byName(threads, cuda(CudaProbe.run(), threads));
    };
  }

  /** What {@code auto} means for an MDP: rows are few there, and digits count. */
  static EngineSelection automaticForMdp(int threads) {
    return new EngineSelection(
        false, threads, new ReferenceEngine(threads), "auto: an mdp is computed in float64");
  }

  private static EngineSelection byName(int threads, Engine engine) {
    return new EngineSelection(false, threads, engine, "asked for by name");
  }

  private static EngineSelection automatic(int threads) {
    CudaProbe probe = CudaProbe.run();
    return probe.isUsable()
        ? new EngineSelection(true, threads, cuda(probe, threads), "auto: there is a GPU for it")
        : new EngineSelection(
            true, threads, vector(threads), "auto: cuda cannot run here: " + probe.reason());
  }

  /**
   * One line about the engine that a configuration would open.
   *
   * @throws EnvironmentException when it cannot run here
   */
  public static String describe(EngineChoice choice, int threads) {
    return switch (choice) {
      // Starting ND4J takes a second.
      case ND4J -> Nd4jEngine.describe(threads);
      case CUDA -> CudaEngine.describe(threads);
      case AUTO, VECTOR, REFERENCE -> {
        try (EngineSelection selection = open(choice, threads)) {
          yield selection.engine().description();
        }
      }
    };
  }

  /**
   * Makes the choice final, once it is known what a run's tables take.
   *
   * @param tableBytes of the policy, the optimizer's moments, the reference and the rewards
   */
  void fit(long tableBytes) {
    if (!(engine instanceof CudaEngine cuda)) {
      return;
    }
    long room = cuda.tableMemory();
    String tables = "the tables take %s".formatted(ByteSize.format(tableBytes));
    String available = "%s of the GPU's memory".formatted(ByteSize.format(room));
    if (tableBytes <= room) {
      reason = "%s: %s, within %s".formatted(reason, tables, available);
    } else if (!automatic) {
      reason = "%s: %s, more than %s, so rows are streamed".formatted(reason, tables, available);
    } else {
      cuda.close();
      engine = vector(threads);
      reason = "auto: %s, more than %s".formatted(tables, available);
    }
  }

  private static Engine cuda(CudaProbe probe, int threads) {
    return new CudaEngine(
        probe,
        threads,
        hasVectorModule() ? VectorEngine.optimumSweepsSource() : ScalarOptimumSweeps::new);
  }

  private static boolean hasVectorModule() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  private static Engine vector(int threads) {
    if (!hasVectorModule()) {
      throw new EnvironmentException(
          "the engine vector needs the JVM option --add-modules jdk.incubator.vector: start clipkl"
              + " by run.sh, or set run.engine to reference (slow)");
    }
    return new VectorEngine(threads);
  }

  /** The engine. */
  public Engine engine() {
    return engine;
  }

  /** For people: what was asked for, and what was found. */
  public String reason() {
    return reason;
  }

  @Override
  public void close() {
    engine.close();
  }
}
