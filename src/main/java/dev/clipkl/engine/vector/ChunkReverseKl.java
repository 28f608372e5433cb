package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.exp;
import static dev.clipkl.engine.vector.FloatLanes.expMinusLinearFar;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** {@code f(w) = w log w - w + 1}. */
final class ChunkReverseKl implements ChunkDivergence {

  @Override
  public void measure(RowChunk chunk) {
    System.arraycopy(chunk.logRatio, 0, chunk.derivative, 0, chunk.length);
    Arrays.fill(chunk.curvature, 0, chunk.length, 1f);
    // The centred terms' - p + q sum to zero over a row.
    double sum = chunk.dot(chunk.prob, 0, chunk.logRatio, 0, chunk.length);
    chunk.meanDerivative += sum;
    chunk.divergence += sum;
  }

  @Override
  public double gap(RowChunk chunk) {
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < chunk.length; i += LANES) {
      // log(w* / w).
      FloatVector x =
          FloatVector.fromArray(SPECIES, chunk.optimumDistance, i)
              .add(FloatVector.fromArray(SPECIES, chunk.logRatio, i))
              .neg();
      x.intoArray(chunk.scratch2, i);
      largest = largest.blend(x, x.compare(VectorOperators.GT, largest));
    }
    expMinusLinearFar(chunk.scratch2, chunk.derivative, chunk.length);
    if (largest.reduceLanes(VectorOperators.MAX) < RowChunk.LARGEST_LOG_RATIO) {
      return chunk.dot(chunk.prob, 0, chunk.derivative, 0, chunk.length);
    }
    return gapFarBelow(chunk);
  }

  /** Where p may have vanished that p* has not: {@code p* - p - p x} there. */
  private static double gapFarBelow(RowChunk chunk) {
    // q w* = p*.
    exp(chunk.optimumDistance, -1f, chunk.scratch, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      FloatVector x = FloatVector.fromArray(SPECIES, chunk.scratch2, i);
      FloatVector p = FloatVector.fromArray(SPECIES, chunk.prob, i);
      FloatVector near = FloatVector.fromArray(SPECIES, chunk.derivative, i).mul(p);
      FloatVector best =
          FloatVector.fromArray(SPECIES, chunk.scratch, i)
              .mul(FloatVector.fromArray(SPECIES, chunk.reference, i));
      best.sub(p)
          .sub(p.mul(x))
          .blend(near, x.lt(RowChunk.LARGEST_LOG_RATIO))
          .intoArray(chunk.terms, i);
    }
    return chunk.sum(chunk.terms, 0, chunk.length);
  }
}
