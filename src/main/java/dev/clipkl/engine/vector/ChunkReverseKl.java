package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/** {@code f(w) = w log w - w + 1}. */
final class ChunkReverseKl implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    System.arraycopy(chunk.logRatio, 0, chunk.derivative, 0, chunk.length);
    Arrays.fill(chunk.curvature, 0, chunk.length, 1f);
    // The centred terms' - p + q sum to zero over a row.
    double sum = chunk.dot(chunk.prob, 0, chunk.logRatio, 0, chunk.length);
    chunk.meanDerivative += sum;
    chunk.divergence += sum;
  }

  @Override
  public double gap(RowChunk chunk) {
    // q w* = p*.
    exp(chunk.optimumDistance, -1f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      // log(w* / w).
      FloatVector.fromArray(SPECIES, chunk.optimumDistance, i)
          .add(FloatVector.fromArray(SPECIES, chunk.logRatio, i))
          .neg()
          .intoArray(chunk.scratch2, i);
    }
    expMinusLinear(chunk.scratch2, 1f, chunk.derivative, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      // Near the optimum p (e^x - 1 - x), elsewhere p* - p - p x without the series.
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch2, i);
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector near = FloatVector.fromArray(SPECIES, chunk.derivative, i).mul(p);
      FloatVector best =
          FloatVector.fromArray(SPECIES, chunk.scratch, i)
              .mul(FloatVector.fromArray(SPECIES, chunk.reference, i));
      best.sub(p).sub(p.mul(x)).blend(near, x.abs().lt(1f)).intoArray(chunk.terms, i);
    }
    return chunk.sum(chunk.terms, 0, chunk.length);
  }
}
