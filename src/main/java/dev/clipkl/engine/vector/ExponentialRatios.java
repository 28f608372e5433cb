package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.DoubleLanes.LANES;
import static dev.clipkl.engine.vector.DoubleLanes.SPECIES;
import static dev.clipkl.engine.vector.DoubleLanes.exp;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;

/** Reverse KL: {@code w = e^t}, {@code w f'' = 1}, {@code f*(t) = w - 1}. */
final class ExponentialRatios implements OptimumRatios {

  @Override
  public boolean hasUnitCurvature() {
    return true;
  }

  @Override
  public void measure(OptimumChunk chunk) {
    exp(chunk.distance, -1.0, chunk.ratio, chunk.length);
  }

  @Override
  public void certify(OptimumChunk chunk) {
    measure(chunk);
    Arrays.fill(chunk.roundings, 0, chunk.length, 1.0);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector.fromArray(SPECIES, chunk.ratio, i).sub(1.0).intoArray(chunk.conjugate, i);
    }
  }

  @Override
  public void loneDistances(OptimumChunk chunk) {
    throw new UnsupportedOperationException("f' of reverse-kl has no supremum");
  }
}
