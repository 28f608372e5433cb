package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.atLeast;
import static dev.clipkl.engine.vector.FloatLanes.dot;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;
import static dev.clipkl.engine.vector.FloatLanes.sum;

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
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector power = ratioExp(ell.mul(alpha - 1f));
      power.sub(1f).mul(1f / (alpha - 1f)).intoArray(chunk.derivative, i);
      power.intoArray(chunk.curvature, i);
      FloatVector terms = p.mul(power.sub(alpha)).add(q.mul(alpha - 1f));
      terms.mul(1f / (alpha * (alpha - 1f))).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += dot(chunk.prob, 0, chunk.derivative, 0, chunk.length);
    chunk.divergence += sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    optimumPower(chunk);
    farTerms(chunk);
    nearTerms(chunk);
    return sum(chunk.terms, 0, chunk.length);
  }

  /**
   * {@code b = w*^(alpha - 1)} to scratch; it is cut off at 0, where t = -d lies below f'(0), only
   * for alpha above 1. {@code log w*} to scratch2.
   */
  private void optimumPower(RowChunk chunk) {
    float constant = alpha < 1f ? 0f : 1f;
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      FloatVector b = atLeast(distance.mul(1f - alpha).add(constant), 0f);
      b.intoArray(chunk.scratch, i);
      log(atLeast(b, Float.MIN_NORMAL)).mul(1f / (alpha - 1f)).intoArray(chunk.scratch2, i);
    }
  }

  /** {@code (p w^(alpha-1) - alpha b p + (alpha - 1) q b v) / (alpha (alpha - 1))}, v = w*. */
  private void farTerms(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      ratioExp(ell.mul(alpha - 1f)).intoArray(chunk.curvature, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector b = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      // q b v; 0 where b is cut off.
      ratioExp(FloatVector.fromArray(SPECIES, chunk.scratch2, i))
          .mul(b)
          .mul(q)
          .intoArray(chunk.derivative, i);
    }
    float slope = alpha > 1f ? 1f : 0f;
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector b = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector power = FloatVector.fromArray(SPECIES, chunk.curvature, i);
      FloatVector far =
          FloatVector.fromArray(SPECIES, chunk.derivative, i)
              .mul(alpha - 1f)
              .add(p.mul(power.sub(b.mul(alpha))))
              .mul(1f / (alpha * (alpha - 1f)));
      FloatVector below =
          FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).sub(1f / (alpha - 1f));
      far.add(atLeast(below, 0f).mul(slope).mul(p)).intoArray(chunk.terms, i);
    }
  }

  /** {@code q b v (phi(alpha x) - alpha phi(x)) / (alpha (alpha - 1))}, x = log(w / v). */
  private void nearTerms(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector x =
          FloatVector.fromArray(SPECIES, chunk.logRatio, i)
              .sub(FloatVector.fromArray(SPECIES, chunk.scratch2, i));
      FloatVector qbv = FloatVector.fromArray(SPECIES, chunk.derivative, i);
      FloatVector close =
          expMinusLinear(x.mul(alpha))
              .sub(expMinusLinear(x).mul(alpha))
              .mul(1f / (alpha * (alpha - 1f)))
              .mul(qbv);
      VectorMask<Float> isCut =
          FloatVector.fromArray(SPECIES, chunk.scratch, i)
              .compare(VectorOperators.LE, Float.MIN_NORMAL);
      FloatVector.fromArray(SPECIES, chunk.terms, i)
          .blend(close, x.abs().lt(nearRadius).andNot(isCut))
          .intoArray(chunk.terms, i);
    }
  }
}
