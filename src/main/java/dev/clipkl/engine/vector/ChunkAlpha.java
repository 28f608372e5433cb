package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.ratioExp;

import jdk.incubator.vector.FloatVector;

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
    ratioExp(chunk.logRatio, alpha - 1f, chunk.curvature, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector power = FloatVector.fromArray(SPECIES, chunk.curvature, i);
      power.sub(1f).mul(1f / (alpha - 1f)).intoArray(chunk.derivative, i);
      FloatVector terms = p.mul(power.sub(alpha)).add(q.mul(alpha - 1f));
      terms.mul(1f / (alpha * (alpha - 1f))).intoArray(chunk.terms, i);
    }
    chunk.meanDerivative += chunk.dot(chunk.prob, 0, chunk.derivative, 0, chunk.length);
    chunk.divergence += chunk.sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    optimumPower(chunk);
    farTerms(chunk);
    nearTerms(chunk);
    return chunk.sum(chunk.terms, 0, chunk.length);
  }

  /**
   * {@code b = w*^(alpha - 1)} to scratch; it is cut off at 0, where t = -d lies below f'(0), only
   * for alpha above 1. {@code (alpha - 1) log w*} to scratch2.
   */
  private void optimumPower(RowChunk chunk) {
    float constant = alpha < 1f ? 0f : 1f;
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector distance = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i);
      distance.mul(1f - alpha).add(constant).max(0f).intoArray(chunk.scratch, i);
    }
    log(chunk.scratch, chunk.scratch2, chunk.length);
  }

  /** {@code (p w^(alpha-1) - alpha b p + (alpha - 1) q b v) / (alpha (alpha - 1))}, v = w*. */
  private void farTerms(RowChunk chunk) {
    ratioExp(chunk.logRatio, alpha - 1f, chunk.curvature, chunk.length);
    ratioExp(chunk.scratch2, 1f / (alpha - 1f), chunk.derivative, chunk.length);
    float slope = alpha > 1f ? 1f : 0f;
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector b = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      // q b v; 0 where b is cut off.
      FloatVector best =
          FloatVector.fromArray(SPECIES, chunk.derivative, i)
              .mul(b)
              .mul(FloatVector.fromArray(SPECIES, chunk.reference, i));
      best.intoArray(chunk.derivative, i);
      FloatVector far =
          FloatVector.fromArray(SPECIES, chunk.curvature, i)
              .sub(b.mul(alpha))
              .mul(p)
              .add(best.mul(alpha - 1f))
              .mul(1f / (alpha * (alpha - 1f)));
      FloatVector below =
          FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).sub(1f / (alpha - 1f));
      below.max(0f).mul(slope).mul(p).add(far).intoArray(chunk.terms, i);
    }
  }

  /**
   * {@code q b v (phi(alpha x) - alpha phi(x)) / (alpha (alpha - 1))}, x = log(w / v), where x is
   * small. It never is where b is cut off: log v then stands for the least normal number.
   */
  private void nearTerms(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, chunk.scratch2, i)
          .mul(-1f / (alpha - 1f))
          .add(FloatVector.fromArray(SPECIES, chunk.logRatio, i))
          .intoArray(chunk.scratch2, i);
    }
    expMinusLinear(chunk.scratch2, alpha, chunk.curvature, chunk.length);
    expMinusLinear(chunk.scratch2, 1f, chunk.keptAdvantage, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch2, i);
      FloatVector close =
          FloatVector.fromArray(SPECIES, chunk.keptAdvantage, i)
              .mul(-alpha)
              .add(FloatVector.fromArray(SPECIES, chunk.curvature, i))
              .mul(1f / (alpha * (alpha - 1f)))
              .mul(FloatVector.fromArray(SPECIES, chunk.derivative, i));
      FloatVector.fromArray(SPECIES, chunk.terms, i)
          .blend(close, x.abs().lt(nearRadius))
          .intoArray(chunk.terms, i);
    }
  }
}
