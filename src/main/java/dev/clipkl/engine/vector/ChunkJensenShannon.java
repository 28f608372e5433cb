package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.log1p;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.softplus;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** {@code f(w) = (w log w - (1 + w) log((1 + w) / 2)) / 2}. */
final class ChunkJensenShannon implements ChunkDivergence {
  private static final float LOG_2 = (float) Math.log(2.0);

  @Override
  public void measure(RowChunk chunk) {
    DoubleVector mean = zeroSum();
    DoubleVector value = zeroSum();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector softplus = softplus(ell.neg());
      FloatVector derivative = broadcast(LOG_2).sub(softplus).mul(0.5f);
      derivative.intoArray(chunk.derivative, i);
      broadcast(0.5f).div(ratioExp(ell).add(1f)).intoArray(chunk.curvature, i);
      mean = accumulate(mean, p.mul(derivative));
      FloatVector logMix = softplus.add(ell).sub(LOG_2);
      value = accumulate(value, p.mul(ell).sub(p.add(q).mul(logMix)).mul(0.5f));
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
      // w* = e^{-2 d} / (1 - e^{-2 d}).
      FloatVector decay = exp(distance.mul(-2f));
      FloatVector complement = decay.neg().add(1f);
      FloatVector small = distance.mul(2f).sub(expMinusLinear(distance.mul(-2f)));
      complement = complement.blend(small, distance.lt(0.5f));
      FloatVector logOther = distance.mul(-2f).sub(log(complement));
      FloatVector x = ell.sub(logOther);
      FloatVector logOtherMix = softplus(logOther);
      FloatVector far = p.mul(x).sub(p.add(q).mul(softplus(ell).sub(logOtherMix)));
      // v / (1 + v) = e^{-2 d}; m = log((1 + w) / (1 + v)).
      FloatVector m = log1p(decay.mul(x.add(expMinusLinear(x))));
      FloatVector close = p.mul(expMinusLinear(x.neg())).sub(p.add(q).mul(expMinusLinear(m.neg())));
      VectorMask<Float> near = x.abs().lt(1f);
      sum = accumulate(sum, far.blend(close, near).mul(0.5f));
    }
    return total(sum);
  }
}
