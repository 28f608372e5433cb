package dev.clipkl.engine.cuda;

import dev.clipkl.driver.FakeDriver;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineContract;
import dev.clipkl.engine.EngineTolerance;

final class CudaEngineTest extends EngineContract {
  @Override
  protected Engine open(int threads) {
    return new CudaEngine(CudaProbe.run(FakeDriver.library().toString()), threads);
  }

  @Override
  protected EngineTolerance tolerance() {
    return EngineTolerance.FLOAT32;
  }
}
