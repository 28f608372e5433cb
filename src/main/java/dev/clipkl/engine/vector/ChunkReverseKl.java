package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.dot;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.sum;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = w log w - w + 1}. */
final class ChunkReverseKl implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, chunk.logRatio, i).intoArray(chunk.derivative, i);
      FloatVector.broadcast(SPECIES, 1f).intoArray(chunk.curvature, i);
    }
    // The centred terms' - p + q sum to zero over a row.
    double sum = dot(chunk.prob, 0, chunk.logRatio, 0, chunk.length);
    chunk.meanDerivative += sum;
    chunk.divergence += sum;
  }

  @Override
  public double gap(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).neg())
          .mul(FloatVector.fromArray(SPECIES, chunk.reference, i))
          .intoArray(chunk.scratch, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      // log(w* / w); near the optimum p (e^x - 1 - x), elsewhere p* - p - p x without the series.
      FloatVector x =
          FloatVector.fromArray(SPECIES, chunk.optimumDistance, i)
              .neg()
              .sub(FloatVector.fromArray(SPECIES, chunk.logRatio, i));
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector near = expMinusLinear(x).mul(p);
      FloatVector far = FloatVector.fromArray(SPECIES, chunk.scratch, i).sub(p).sub(p.mul(x));
      far.blend(near, x.abs().lt(1f)).intoArray(chunk.terms, i);
    }
    return sum(chunk.terms, 0, chunk.length);
  }
}
