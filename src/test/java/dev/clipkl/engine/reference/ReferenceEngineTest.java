package dev.clipkl.engine.reference;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineContract;
import dev.clipkl.engine.EngineTolerance;

final class ReferenceEngineTest extends EngineContract {
  @Override
  protected Engine open(int threads) {
    return new ReferenceEngine(threads);
  }

  @Override
  protected EngineTolerance tolerance() {
    return EngineTolerance.FLOAT64;
  }
}
