package dev.clipkl.engine.nd4j;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineContract;
import dev.clipkl.engine.EngineTolerance;

final class Nd4jEngineTest extends EngineContract {
  @Override
  protected Engine open(int threads) {
    return new Nd4jEngine(threads);
  }

  @Override
  protected EngineTolerance tolerance() {
    return EngineTolerance.FLOAT32;
  }
}
