package dev.clipkl.engine.vector;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineContract;
import dev.clipkl.engine.EngineTolerance;

final class VectorEngineTest extends EngineContract {
  @Override
  protected Engine open(int threads) {
    return new VectorEngine(threads);
  }

  @Override
  protected EngineTolerance tolerance() {
    return EngineTolerance.FLOAT32;
  }
}
