package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.WIDTH;
import static dev.clipkl.engine.vector.LaneSum.HALF;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Reverse KL: {@code G - E_p G = t - E_p t} with {@code t = Q - lambda (theta - log q)}, which
 * needs no normaliser.
 */
final class ReverseKlSweep extends FusedSweep {

  /**
   * A sweep for one direction.
   *
   * @param isPlain the gradient {@code p (t - E_p t)}; else the natural one {@code (t - E_p t) /
   *     lambda}
   */
  ReverseKlSweep(boolean isPlain) {
    super(isPlain);
  }

  @Override
  void move(
      PolicyScratch from,
      PolicyScratch to,
      float[] oldLogits,
      float[] values,
      float step,
      int start,
      int length) {
    if (isPlain) {
      moveByGradient(from, to, oldLogits, values, step, start, length);
    } else {
      moveByNaturalGradient(from, to, oldLogits, values, step / lambda, start, length);
    }
  }

  private void moveByGradient(
      PolicyScratch from,
      PolicyScratch to,
      float[] oldLogits,
      float[] values,
      float step,
      int start,
      int length) {
    float mean = (float) from.mean;
    FloatVector least = FloatVector.broadcast(SPECIES, Float.POSITIVE_INFINITY);
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector logit = FloatVector.fromArray(SPECIES, from.logits, i);
      FloatVector gradient =
          logit
              .sub(FloatVector.fromArray(SPECIES, logReference, i))
              .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
              .sub(mean)
              .mul(FloatVector.fromArray(SPECIES, from.mass, i).mul(from.inverseNormalizer));
      FloatVector increment = gradient.fma(stepLanes, FloatVector.fromArray(SPECIES, from.lost, i));
      FloatVector moved = logit.add(increment);
      moved.intoArray(to.logits, i);
      increment.sub(moved.sub(logit)).intoArray(to.lost, i);
      FloatVector move = moved.sub(FloatVector.fromArray(SPECIES, oldLogits, i));
      least = least.blend(move, move.lt(least));
      largest = largest.blend(move, move.compare(VectorOperators.GT, largest));
    }
    to.leastMoves[start / RowChunk.CAPACITY] = least.reduceLanes(VectorOperators.MIN);
    to.largestMoves[start / RowChunk.CAPACITY] = largest.reduceLanes(VectorOperators.MAX);
  }

  private void moveByNaturalGradient(
      PolicyScratch from,
      PolicyScratch to,
      float[] oldLogits,
      float[] values,
      float step,
      int start,
      int length) {
    float mean = (float) from.mean;
    FloatVector least = FloatVector.broadcast(SPECIES, Float.POSITIVE_INFINITY);
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, slope.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, slope.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector logit = FloatVector.fromArray(SPECIES, from.logits, i);
        FloatVector excess =
            logit
                .sub(FloatVector.fromArray(SPECIES, logReference, i))
                .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
                .sub(mean);
        FloatVector moved = excess.fma(stepLanes, logit);
        moved.intoArray(to.logits, i);
        FloatVector move = moved.sub(FloatVector.fromArray(SPECIES, oldLogits, i));
        least = least.blend(move, move.lt(least));
        largest = largest.blend(move, move.compare(VectorOperators.GT, largest));
        FloatVector term = FloatVector.fromArray(SPECIES, from.mass, i).mul(excess).mul(excess);
        low = low.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(slope.lanes, lane);
      high.intoArray(slope.lanes, lane + HALF);
    }
    to.leastMoves[start / RowChunk.CAPACITY] = least.reduceLanes(VectorOperators.MIN);
    to.largestMoves[start / RowChunk.CAPACITY] = largest.reduceLanes(VectorOperators.MAX);
  }

  @Override
  double slope(PolicyScratch from) {
    return isPlain ? squaredGradient.total() : slope.total() / (from.normalizer * lambda);
  }

  @Override
  void addSquaredGradient(PolicyScratch policy, float[] values, int start, int length) {
    float mean = (float) policy.mean;
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, squaredGradient.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, squaredGradient.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector gradient =
            FloatVector.fromArray(SPECIES, policy.logits, i)
                .sub(FloatVector.fromArray(SPECIES, logReference, i))
                .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
                .sub(mean)
                .mul(FloatVector.fromArray(SPECIES, policy.mass, i).mul(policy.inverseNormalizer));
        FloatVector term = gradient.mul(gradient);
        low = low.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(squaredGradient.lanes, lane);
      high.intoArray(squaredGradient.lanes, lane + HALF);
    }
  }

  @Override
  void measure(PolicyScratch policy, float[] values, float center, int start, int length) {
    clearSums();
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, first.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, first.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector term =
            FloatVector.fromArray(SPECIES, policy.logits, i)
                .sub(FloatVector.fromArray(SPECIES, logReference, i))
                .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
                .sub(center)
                .mul(FloatVector.fromArray(SPECIES, policy.mass, i));
        low = low.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(first.lanes, lane);
      high.intoArray(first.lanes, lane + HALF);
    }
    keepSums(policy, start);
  }

  /** {@code E_p[values] - lambda KL(p || q) = E_p t + lambda log Z}. */
  @Override
  double finish(PolicyScratch policy, float center) {
    policy.mean = mean(first(policy), policy.normalizer, center);
    return policy.mean + (double) lambda * policy.logNormalizer;
  }
}
