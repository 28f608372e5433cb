package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (w - 1)^2}. */
final class ChunkChiSquared implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    ratioExp(chunk.logRatio, 1f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector w = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector excess = w.sub(1f);
      excess.mul(2f).intoArray(chunk.derivative, i);
      w.mul(2f).intoArray(chunk.curvature, i);
      p.sub(q).mul(excess).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += chunk.dot(chunk.prob, 0, chunk.derivative, 0, chunk.length);
    chunk.divergence += chunk.sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    ratioExp(chunk.logRatio, 1f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      // w* = max(0, 1 - d / 2); where it is cut off, t = -d lies below f'(0) = -2.
      FloatVector w = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector other = distance.mul(-0.5f).add(1f).max(0f);
      FloatVector squared = p.sub(q.mul(other)).mul(w.sub(other));
      distance.sub(2f).max(0f).mul(p).add(squared).intoArray(chunk.terms, i);
    }
    return chunk.sum(chunk.terms, 0, chunk.length);
  }
}
