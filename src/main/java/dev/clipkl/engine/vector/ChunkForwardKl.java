package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinearFar;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

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
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < chunk.length; i += LANES) {
      // log(w / w*), w* = 1 / distance.
      FloatVector x =
          FloatVector.fromArray(SPECIES, chunk.scratch, i)
              .add(FloatVector.fromArray(SPECIES, chunk.logRatio, i));
      x.intoArray(chunk.scratch, i);
      largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
    }
    expMinusLinearFar(chunk.scratch, chunk.scratch2, chunk.length);
    if (largest.reduceLanes(VectorOperators.MAX) < RowChunk.LARGEST_LOG_RATIO) {
      return chunk.dot(chunk.reference, 0, chunk.scratch2, 0, chunk.length);
    }
    return gapFarBelow(chunk);
  }

  /** Where q may have vanished that p has not: {@code p / w* - q - q x} there. */
  private static double gapFarBelow(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector near = FloatVector.fromArray(SPECIES, chunk.scratch2, i).mul(q);
      FloatVector far =
          FloatVector.fromArray(SPECIES, chunk.prob, i)
              .mul(FloatVector.fromArray(SPECIES, chunk.optimumDistance, i))
              .sub(q)
              .sub(q.mul(x));
      far.blend(near, x.lt(RowChunk.LARGEST_LOG_RATIO)).intoArray(chunk.terms, i);
    }
    return chunk.sum(chunk.terms, 0, chunk.length);
  }
}
