package dev.clipkl.training;

import dev.clipkl.config.EngineChoice;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.nd4j.Nd4jEngine;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.failure.EnvironmentException;

/**
 * An engine and why it was chosen.
 *
 * @param reason for people: what was asked for, and what was found
 */
public record EngineSelection(Engine engine, String reason) implements AutoCloseable {

  /**
   * Opens the engine that a configuration asks for.
   *
   * @throws EnvironmentException when it is demanded by name and cannot run here
   */
  public static EngineSelection open(EngineChoice choice, int threads) {
    return switch (choice) {
      case AUTO -> new EngineSelection(vector(threads), "auto: the fastest engine of this version");
      case VECTOR -> new EngineSelection(vector(threads), "asked for by name");
      case REFERENCE -> new EngineSelection(new ReferenceEngine(threads), "asked for by name");
      case ND4J -> new EngineSelection(new Nd4jEngine(threads), "asked for by name");
      case CUDA ->
          throw new EnvironmentException(
              "this version has no engine cuda, expected run.engine auto, vector, nd4j or"
                  + " reference");
    };
  }

  /**
   * One line about the engine that a configuration would open.
   *
   * @throws EnvironmentException when it cannot run here
   */
  public static String describe(EngineChoice choice, int threads) {
    if (choice == EngineChoice.ND4J) {
      // Starting ND4J takes a second.
      return Nd4jEngine.describe(threads);
    }
    try (EngineSelection selection = open(choice, threads)) {
      return selection.engine().description();
    }
  }

  private static Engine vector(int threads) {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
      throw new EnvironmentException(
          "the engine vector needs the JVM option --add-modules jdk.incubator.vector: start clipkl"
              + " by run.sh, or set run.engine to reference (slow)");
    }
    return new VectorEngine(threads);
  }

  @Override
  public void close() {
    engine.close();
  }
}
