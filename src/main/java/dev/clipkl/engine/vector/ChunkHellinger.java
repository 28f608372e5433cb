package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (sqrt(w) - 1)^2}. */
final class ChunkHellinger implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    DoubleVector mean = zeroSum();
    DoubleVector value = zeroSum();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector root = ratioExp(ell.mul(0.5f));
      FloatVector inverse = broadcast(1f).div(root);
      FloatVector derivative = broadcast(1f).sub(inverse);
      derivative.intoArray(chunk.derivative, i);
      inverse.mul(0.5f).intoArray(chunk.curvature, i);
      // p f' = p - sqrt(p q) = q root (root - 1), which also holds where p underflows.
      FloatVector shifted = root.sub(1f);
      mean = accumulate(mean, q.mul(root).mul(shifted));
      value = accumulate(value, q.mul(shifted).mul(shifted));
    }
    chunk.meanDerivative += total(mean);
    chunk.divergence += total(value);
  }

  @Override
  public double gap(RowChunk chunk) {
    DoubleVector sum = zeroSum();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      // sqrt(w*) = 1 / d.
      FloatVector root = ratioExp(ell.mul(0.5f));
      FloatVector relative = root.mul(distance).sub(1f);
      sum = accumulate(sum, q.mul(relative).mul(relative).div(distance));
    }
    return total(sum);
  }
}
