package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.DoubleLanes.LANES;
import static dev.clipkl.engine.vector.DoubleLanes.SPECIES;
import static dev.clipkl.engine.vector.DoubleLanes.expm1;
import static dev.clipkl.engine.vector.DoubleLanes.log;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;

/**
 * Jensen-Shannon: {@code w = 1 / (e^{2 d} - 1)} at distance d below the supremum of f', {@code w
 * f'' = 1 / (2 (1 + w))}, {@code f* = log((1 + w) / 2) / 2}.
 */
final class LogisticRatios implements OptimumRatios {
  private static final double LOG_2 = Math.log(2.0);

  @Override
  public void measure(OptimumChunk chunk) {
    expm1(chunk.distance, 2.0, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector ratio =
          DoubleVector.broadcast(SPECIES, 1.0)
              .div(DoubleVector.fromArray(SPECIES, chunk.scratch, i));
      ratio.intoArray(chunk.ratio, i);
      ratio.add(1.0).mul(ratio).mul(2.0).intoArray(chunk.sensitivity, i);
    }
  }

  @Override
  public void certify(OptimumChunk chunk) {
    measure(chunk);
    log(chunk.ratio, 1.0, chunk.scratch, chunk.length);
    Arrays.fill(chunk.roundings, 0, chunk.length, 1.0);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector ratio = DoubleVector.fromArray(SPECIES, chunk.ratio, i);
      ratio.mul(0.5).div(ratio.add(1.0)).intoArray(chunk.curvature, i);
      DoubleVector.fromArray(SPECIES, chunk.scratch, i)
          .sub(LOG_2)
          .mul(0.5)
          .intoArray(chunk.conjugate, i);
    }
  }

  /** {@code log(1 + q) / 2 >= q log(2) / 2}, since q is at most 1. */
  @Override
  public void loneDistances(OptimumChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector.fromArray(SPECIES, chunk.ratio, i).mul(0.5 * LOG_2).intoArray(chunk.distance, i);
    }
  }
}
