package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.sum;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (sqrt(w) - 1)^2}. */
final class ChunkHellinger implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector root = ratioExp(ell.mul(0.5f));
      FloatVector inverse = FloatVector.broadcast(SPECIES, 1f).div(root);
      FloatVector.broadcast(SPECIES, 1f).sub(inverse).intoArray(chunk.derivative, i);
      inverse.mul(0.5f).intoArray(chunk.curvature, i);
      // p f' = p - sqrt(p q) = q root (root - 1), which also holds where p underflows.
      FloatVector shifted = root.sub(1f);
      q.mul(root).mul(shifted).intoArray(chunk.scratch, i);
      q.mul(shifted).mul(shifted).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += sum(chunk.scratch, 0, chunk.length);
    chunk.divergence += sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      // sqrt(w*) = 1 / d.
      FloatVector root = ratioExp(ell.mul(0.5f));
      FloatVector relative = root.mul(distance).sub(1f);
      q.mul(relative).mul(relative).div(distance).intoArray(chunk.terms, i);
    }
    return sum(chunk.terms, 0, chunk.length);
  }
}
