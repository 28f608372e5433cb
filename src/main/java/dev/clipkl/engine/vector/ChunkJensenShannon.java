package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.log1p;
import static dev.clipkl.engine.vector.FloatLanes.softplus;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (w log w - (1 + w) log((1 + w) / 2)) / 2}. */
final class ChunkJensenShannon implements ChunkDivergence {
  private static final float LOG_2 = (float) Math.log(2.0);

  @Override
  public void measure(RowChunk chunk) {
    softplus(chunk.logRatio, chunk.scratch, chunk.length);
    // w f'' = 1 / (2 (1 + w)).
    exp(chunk.scratch, -1f, chunk.curvature, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector softplus = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      // softplus(-l) = softplus(l) - l; for large l the difference loses its digits, where it is
      // below rounding of the constant that it is subtracted from.
      FloatVector.broadcast(SPECIES, LOG_2)
          .sub(softplus.sub(ell))
          .mul(0.5f)
          .intoArray(chunk.derivative, i);
      FloatVector logMix = softplus.sub(LOG_2);
      p.mul(ell).sub(p.add(q).mul(logMix)).mul(0.5f).intoArray(chunk.terms, i);
      FloatVector.fromArray(SPECIES, chunk.curvature, i).mul(0.5f).intoArray(chunk.curvature, i);
    }
    chunk.meanDerivative += chunk.dot(chunk.prob, 0, chunk.derivative, 0, chunk.length);
    chunk.divergence += chunk.sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    logOptimumRatio(chunk);
    softplus(chunk.scratch, chunk.scratch2, chunk.length);
    softplus(chunk.logRatio, chunk.derivative, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector x = ell.sub(FloatVector.fromArray(SPECIES, chunk.scratch, i));
      FloatVector logMix =
          FloatVector.fromArray(SPECIES, chunk.derivative, i)
              .sub(FloatVector.fromArray(SPECIES, chunk.scratch2, i));
      p.mul(x).sub(p.add(q).mul(logMix)).mul(0.5f).intoArray(chunk.terms, i);
      x.intoArray(chunk.scratch, i);
    }
    logMixNear(chunk);
    nearTerms(chunk);
    return chunk.sum(chunk.terms, 0, chunk.length);
  }

  /** {@code log w* = -2 d - log(1 - e^{-2 d})} to scratch. */
  private static void logOptimumRatio(RowChunk chunk) {
    exp(chunk.optimumDistance, -2f, chunk.scratch2, chunk.length);
    expMinusLinear(chunk.optimumDistance, -2f, chunk.terms, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector twice = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).mul(2f);
      FloatVector small = twice.sub(FloatVector.fromArray(SPECIES, chunk.terms, i));
      FloatVector.broadcast(SPECIES, 1f)
          .sub(FloatVector.fromArray(SPECIES, chunk.scratch2, i))
          .blend(small, twice.lt(1f))
          .intoArray(chunk.scratch, i);
    }
    log(chunk.scratch, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, chunk.optimumDistance, i)
          .mul(-2f)
          .sub(FloatVector.fromArray(SPECIES, chunk.scratch, i))
          .intoArray(chunk.scratch, i);
    }
  }

  /**
   * {@code m = log((1 + w) / (1 + v))} for w close to v: {@code log(1 + v / (1 + v) (e^x - 1))}
   * with {@code v / (1 + v) = e^{-2 d}}. Reads x from scratch, writes m to scratch2.
   */
  private static void logMixNear(RowChunk chunk) {
    exp(chunk.optimumDistance, -2f, chunk.scratch2, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      // Where x is larger the far terms are taken: any finite number will do.
      FloatVector.fromArray(SPECIES, chunk.scratch, i)
          .max(-1f)
          .min(1f)
          .intoArray(chunk.derivative, i);
    }
    expMinusLinear(chunk.derivative, 1f, chunk.curvature, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector.fromArray(SPECIES, chunk.curvature, i)
          .add(FloatVector.fromArray(SPECIES, chunk.derivative, i))
          .mul(FloatVector.fromArray(SPECIES, chunk.scratch2, i))
          .intoArray(chunk.scratch2, i);
    }
    log1p(chunk.scratch2, chunk.scratch2, chunk.length);
  }

  /** {@code (p (e^{-x} - 1 + x) - (p + q) (e^{-m} - 1 + m)) / 2} where x is small. */
  private static void nearTerms(RowChunk chunk) {
    expMinusLinear(chunk.scratch2, -1f, chunk.scratch2, chunk.length);
    expMinusLinear(chunk.scratch, -1f, chunk.curvature, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector both = p.add(FloatVector.fromArray(SPECIES, chunk.reference, i));
      FloatVector close =
          FloatVector.fromArray(SPECIES, chunk.curvature, i)
              .mul(p)
              .sub(both.mul(FloatVector.fromArray(SPECIES, chunk.scratch2, i)));
      FloatVector.fromArray(SPECIES, chunk.terms, i)
          .blend(close.mul(0.5f), x.abs().lt(1f))
          .intoArray(chunk.terms, i);
    }
  }
}
