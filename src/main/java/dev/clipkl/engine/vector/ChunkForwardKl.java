package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = -log w + w - 1}. */
final class ChunkForwardKl implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    ratioExp(chunk.logRatio, -1f, chunk.curvature, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector.broadcast(SPECIES, 1f)
          .sub(FloatVector.fromArray(SPECIES, chunk.curvature, i))
          .intoArray(chunk.derivative, i);
      // p f' = p - q never forms 1 / w, so it also holds where p underflows.
      FloatVector difference = p.sub(q);
      difference.intoArray(chunk.scratch, i);
      difference.sub(q.mul(ell)).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += chunk.sum(chunk.scratch, 0, chunk.length);
    chunk.divergence += chunk.sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    log(chunk.optimumDistance, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      // log(w / w*), w* = 1 / distance.
      FloatVector.fromArray(SPECIES, chunk.scratch, i)
          .add(FloatVector.fromArray(SPECIES, chunk.logRatio, i))
          .intoArray(chunk.scratch, i);
    }
    expMinusLinear(chunk.scratch, 1f, chunk.scratch2, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      // Near the optimum q (e^x - 1 - x), elsewhere the same without the series.
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector near = FloatVector.fromArray(SPECIES, chunk.scratch2, i).mul(q);
      FloatVector far =
          FloatVector.fromArray(SPECIES, chunk.prob, i)
              .mul(FloatVector.fromArray(SPECIES, chunk.optimumDistance, i))
              .sub(q)
              .sub(q.mul(x));
      far.blend(near, x.abs().lt(1f)).intoArray(chunk.terms, i);
    }
    return chunk.sum(chunk.terms, 0, chunk.length);
  }
}
