package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.atLeast;
import static dev.clipkl.engine.vector.FloatLanes.dot;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinear;
import static dev.clipkl.engine.vector.FloatLanes.log;
import static dev.clipkl.engine.vector.FloatLanes.log1p;
import static dev.clipkl.engine.vector.FloatLanes.sum;

import jdk.incubator.vector.FloatVector;

/** {@code f(w) = (w log w - (1 + w) log((1 + w) / 2)) / 2}. */
final class ChunkJensenShannon implements ChunkDivergence {
  private static final float LOG_2 = (float) Math.log(2.0);

  @Override
  public void measure(RowChunk chunk) {
    softplusOf(chunk.logRatio, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector softplus = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      // softplus(-l) = softplus(l) - l, but for large l the difference loses its digits: there it
      // is
      // below rounding of the constant it is subtracted from.
      FloatVector.broadcast(SPECIES, LOG_2)
          .sub(softplus.sub(ell))
          .mul(0.5f)
          .intoArray(chunk.derivative, i);
      FloatVector logMix = softplus.sub(LOG_2);
      p.mul(ell).sub(p.add(q).mul(logMix)).mul(0.5f).intoArray(chunk.terms, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      // w f'' = 1 / (2 (1 + w)).
      FloatVector softplus = FloatVector.fromArray(SPECIES, chunk.scratch, i);
      exp(softplus.neg()).mul(0.5f).intoArray(chunk.curvature, i);
    }
    chunk.meanDerivative += dot(chunk.prob, 0, chunk.derivative, 0, chunk.length);
    chunk.divergence += sum(chunk.terms, 0, chunk.length);
  }

  @Override
  public double gap(RowChunk chunk) {
    logOptimumRatio(chunk, chunk.scratch);
    softplusOf(chunk.scratch, chunk.scratch2, chunk.length);
    softplusOf(chunk.logRatio, chunk.derivative, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector x = ell.sub(FloatVector.fromArray(SPECIES, chunk.scratch, i));
      FloatVector logMix =
          FloatVector.fromArray(SPECIES, chunk.derivative, i)
              .sub(FloatVector.fromArray(SPECIES, chunk.scratch2, i));
      p.mul(x).sub(p.add(q).mul(logMix)).mul(0.5f).intoArray(chunk.terms, i);
    }
    logMixNear(chunk);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector q = FloatVector.fromArray(SPECIES, chunk.reference, i);
      FloatVector ell = FloatVector.fromArray(SPECIES, chunk.logRatio, i);
      FloatVector x = ell.sub(FloatVector.fromArray(SPECIES, chunk.scratch, i));
      FloatVector m = FloatVector.fromArray(SPECIES, chunk.scratch2, i);
      FloatVector close = p.mul(expMinusLinear(x.neg())).sub(p.add(q).mul(expMinusLinear(m.neg())));
      FloatVector.fromArray(SPECIES, chunk.terms, i)
          .blend(close.mul(0.5f), x.abs().lt(1f))
          .intoArray(chunk.terms, i);
    }
    return sum(chunk.terms, 0, chunk.length);
  }

  /** {@code log(1 + e^x)}. */
  private static void softplusOf(float[] source, float[] destination, int length) {
    for (int i = 0; i < length; i += LANES) {
      exp(FloatVector.fromArray(SPECIES, source, i).abs().neg()).intoArray(destination, i);
    }
    for (int i = 0; i < length; i += LANES) {
      atLeast(FloatVector.fromArray(SPECIES, source, i), 0f)
          .add(log1p(FloatVector.fromArray(SPECIES, destination, i)))
          .intoArray(destination, i);
    }
  }

  /** {@code log w* = -2 d - log(1 - e^{-2 d})}. */
  private static void logOptimumRatio(RowChunk chunk, float[] destination) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector twice = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).mul(2f);
      FloatVector small = twice.sub(expMinusLinear(twice.neg()));
      exp(twice.neg()).neg().add(1f).blend(small, twice.lt(1f)).intoArray(destination, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector twice = FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).mul(2f);
      twice
          .neg()
          .sub(log(FloatVector.fromArray(SPECIES, destination, i)))
          .intoArray(destination, i);
    }
  }

  /**
   * {@code m = log((1 + w) / (1 + v))} for w close to v: {@code log(1 + v / (1 + v) (e^x - 1))}
   * with {@code v / (1 + v) = e^{-2 d}}. Reads log v from scratch, writes m to scratch2.
   */
  private static void logMixNear(RowChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector x =
          FloatVector.fromArray(SPECIES, chunk.logRatio, i)
              .sub(FloatVector.fromArray(SPECIES, chunk.scratch, i));
      FloatVector bounded = FloatLanes.atMost(atLeast(x, -1f), 1f);
      FloatVector decay = exp(FloatVector.fromArray(SPECIES, chunk.optimumDistance, i).mul(-2f));
      decay.mul(bounded.add(expMinusLinear(bounded))).intoArray(chunk.scratch2, i);
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      log1p(FloatVector.fromArray(SPECIES, chunk.scratch2, i)).intoArray(chunk.scratch2, i);
    }
  }
}
