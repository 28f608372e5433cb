package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (sqrt(w) - 1)^2}. */
final class ChunkHellinger implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    ratioExp(chunk.logRatio, 0.5f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector root = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector one = FloatVector.broadcast(SPECIES, 1f);
      FloatVector inverse = one.div(root);
      one.sub(inverse).intoArray(chunk.derivative, i);
      inverse.mul(0.5f).intoArray(chunk.curvature, i);
      // p f' = p - sqrt(p q) = q root (root - 1), which also holds where p underflows.
      FloatVector shifted = root.sub(1f);
      q.mul(root).mul(shifted).intoArray(chunk.scratch2, i);
      q.mul(shifted).mul(shifted).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += chunk.sum(chunk.scratch2, 0, chunk.length);
    chunk.divergence += chunk.sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    ratioExp(chunk.logRatio, 0.5f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      // sqrt(w*) = 1 / d.
      FloatVector relative = FloatVector.fromArray(SPECIES, chunk.scratch, i).mul(distance).sub(1f);
      q.mul(relative).mul(relative).div(distance).intoArray(chunk.terms, i);
    }
    return chunk.sum(chunk.terms, 0, chunk.length);
  }
}
