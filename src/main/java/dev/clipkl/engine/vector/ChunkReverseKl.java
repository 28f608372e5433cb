package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.dot;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.sum;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

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
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      // log(w* / w); near the optimum p (e^x - 1 - x), elsewhere p* - p - p x without the series.
      FloatVector x = distance.neg().sub(ell);
      FloatVector far = exp(distance.neg()).mul(q).sub(p).sub(p.mul(x));
      VectorMask<Float> near = x.abs().lt(1f);
      far.blend(p.mul(expMinusLinear(x)), near).intoArray(chunk.terms, i);
    }
    return sum(chunk.terms, 0, chunk.length);
  }
}
