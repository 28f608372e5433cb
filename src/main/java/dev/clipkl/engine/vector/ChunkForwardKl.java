package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.sum;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = -log w + w - 1}. */
final class ChunkForwardKl implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector inverse = ratioExp(ell.neg());
      FloatVector.broadcast(SPECIES, 1f).sub(inverse).intoArray(chunk.derivative, i);
      inverse.intoArray(chunk.curvature, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      // p f' = p - q never forms 1 / w, so it also holds where p underflows.
      FloatVector difference = p.sub(q);
      difference.intoArray(chunk.scratch, i);
      difference.sub(q.mul(ell)).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += sum(chunk.scratch, 0, chunk.length);
    chunk.divergence += sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      log(FloatVector.fromArray(SPECIES, chunk.optimumDistance, i))
          .add(FloatVector.fromArray(SPECIES, chunk.logRatio, i))
          .intoArray(chunk.scratch, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      // log(w / w*), w* = 1 / distance; near the optimum q (e^x - 1 - x), elsewhere without it.
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector near = expMinusLinear(x).mul(q);
      FloatVector far =
          FloatVector.fromArray(SPECIES, chunk.prob, i)
              .mul(FloatVector.fromArray(SPECIES, chunk.optimumDistance, i))
              .sub(q)
              .sub(q.mul(x));
      far.blend(near, x.abs().lt(1f)).intoArray(chunk.terms, i);
    }
    return sum(chunk.terms, 0, chunk.length);
  }
}
