package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.atLeast;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (w - 1)^2}. */
final class ChunkChiSquared implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    DoubleVector mean = zeroSum();
    DoubleVector value = zeroSum();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector w = ratioExp(ell);
      FloatVector derivative = w.sub(1f).mul(2f);
      derivative.intoArray(chunk.derivative, i);
      w.mul(2f).intoArray(chunk.curvature, i);
      mean = accumulate(mean, p.mul(derivative));
      value = accumulate(value, p.sub(q).mul(w.sub(1f)));
    }
    chunk.meanDerivative += total(mean);
    chunk.divergence += total(value);
  }

  @Override
  public double gap(RowChunk chunk) {
    DoubleVector sum = zeroSum();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      // w* = max(0, 1 - d / 2); where it is cut off, t = -d lies below f'(0) = -2.
      FloatVector w = ratioExp(ell);
      FloatVector other = atLeast(distance.mul(-0.5f).add(1f), 0f);
      FloatVector squared = p.sub(q.mul(other)).mul(w.sub(other));
      sum = accumulate(sum, atLeast(distance.sub(2f), 0f).mul(p).add(squared));
    }
    return total(sum);
  }
}
