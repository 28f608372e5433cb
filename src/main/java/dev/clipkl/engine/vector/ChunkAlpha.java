package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.atLeast;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** {@code f(w) = (w^alpha - alpha w + alpha - 1) / (alpha (alpha - 1))}. */
final class ChunkAlpha implements ChunkDivergence {
  private final float alpha;

  /** Where both series of the gap hold. */
  private final float nearRadius;

  ChunkAlpha(float alpha) {
    this.alpha = alpha;
    this.nearRadius = 1f / Math.max(1f, Math.abs(alpha));
  }

  @Override
  public void measure(RowChunk chunk) {
    DoubleVector mean = zeroSum();
    DoubleVector value = zeroSum();
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector power = ratioExp(ell.mul(alpha - 1f));
      FloatVector derivative = power.sub(1f).mul(1f / (alpha - 1f));
      derivative.intoArray(chunk.derivative, i);
      power.intoArray(chunk.curvature, i);
      mean = accumulate(mean, p.mul(derivative));
      FloatVector sumTerms = p.mul(power.sub(alpha)).add(q.mul(alpha - 1f));
      value = accumulate(value, sumTerms.mul(1f / (alpha * (alpha - 1f))));
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
      // b = w*^{alpha - 1}; it is cut off at 0, where t = -d lies below f'(0), only for alpha > 1.
      FloatVector b =
          alpha < 1f ? distance.mul(1f - alpha) : atLeast(distance.mul(1f - alpha).add(1f), 0f);
      VectorMask<Float> cut = b.compare(VectorOperators.LE, Float.MIN_NORMAL);
      FloatVector logOther = log(atLeast(b, Float.MIN_NORMAL)).mul(1f / (alpha - 1f));
      FloatVector x = ell.sub(logOther);
      FloatVector other = ratioExp(logOther).blend(0f, cut);
      FloatVector power = ratioExp(ell.mul(alpha - 1f));
      FloatVector qb = q.mul(b);
      FloatVector far = p.mul(power.sub(b.mul(alpha))).add(qb.mul(other).mul(alpha - 1f));
      FloatVector close =
          expMinusLinear(x.mul(alpha)).sub(expMinusLinear(x).mul(alpha)).mul(qb).mul(other);
      VectorMask<Float> near = x.abs().lt(nearRadius).andNot(cut);
      FloatVector terms = far.blend(close, near).mul(1f / (alpha * (alpha - 1f)));
      if (alpha > 1f) {
        terms = terms.add(atLeast(distance.sub(1f / (alpha - 1f)), 0f).mul(p));
      }
      sum = accumulate(sum, terms);
    }
    return total(sum);
  }
}
