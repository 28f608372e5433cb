package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.BLOCK;
import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.INTS;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.WIDTH;
import static dev.clipkl.engine.vector.LaneSum.HALF;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
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
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length) {
    if (isPlain) {
      moveByGradient(from, to, values, step, start, length);
    } else {
      moveByNaturalGradient(from, to, values, step / lambda, start, length);
    }
  }

  private void moveByGradient(
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length) {
    float mean = (float) from.mean;
    float inverseNormalizer = from.inverseNormalizer;
    IntVector longest = IntVector.zero(INTS);
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector logit = FloatVector.fromArray(SPECIES, from.logits, i);
      FloatVector gradient =
          logit
              .sub(FloatVector.fromArray(SPECIES, logReference, i))
              .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
              .sub(mean)
              .mul(FloatVector.fromArray(SPECIES, from.mass, i).mul(inverseNormalizer));
      FloatVector increment = gradient.fma(stepLanes, FloatVector.fromArray(SPECIES, from.lost, i));
      FloatVector moved = logit.add(increment);
      moved.intoArray(to.logits, i);
      FloatVector move = moved.sub(logit);
      increment.sub(move).intoArray(to.lost, i);
      longest = longest.max(move.reinterpretAsInts().and(MAGNITUDE_BITS));
    }
    keepBound(from, to, start, Float.intBitsToFloat(longest.reduceLanes(VectorOperators.MAX)));
  }

  private void moveByNaturalGradient(
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length) {
    float mean = (float) from.mean;
    IntVector longest = IntVector.zero(INTS);
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
        longest = longest.max(moved.sub(logit).reinterpretAsInts().and(MAGNITUDE_BITS));
        FloatVector term = FloatVector.fromArray(SPECIES, from.mass, i).mul(excess).mul(excess);
        low = low.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(slope.lanes, lane);
      high.intoArray(slope.lanes, lane + HALF);
    }
    keepBound(from, to, start, Float.intBitsToFloat(longest.reduceLanes(VectorOperators.MAX)));
  }

  @Override
  double slope(PolicyScratch from) {
    return isPlain ? squaredGradient.total() : slope.total() / (from.normalizer * lambda);
  }

  @Override
  void addSquaredGradient(PolicyScratch policy, float[] values, int start, int length) {
    float mean = (float) policy.mean;
    float inverseNormalizer = policy.inverseNormalizer;
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
                .mul(FloatVector.fromArray(SPECIES, policy.mass, i).mul(inverseNormalizer));
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
      DoubleVector low = DoubleVector.fromArray(DOUBLES, masses.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, masses.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector mass = FloatVector.fromArray(SPECIES, policy.mass, i);
        low = low.add(mass.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(mass.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector term =
            FloatVector.fromArray(SPECIES, policy.logits, i)
                .sub(FloatVector.fromArray(SPECIES, logReference, i))
                .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
                .sub(center)
                .mul(mass);
        low2 = low2.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(masses.lanes, lane);
      high.intoArray(masses.lanes, lane + HALF);
      low2.intoArray(first.lanes, lane);
      high2.intoArray(first.lanes, lane + HALF);
    }
    policy.keepMassSum(start, masses);
    keepSums(policy, start);
  }

  @Override
  void measureInBlocks(PolicyScratch policy, float[] values, float center, int start, int length) {
    clearSums();
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, masses.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, masses.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane + HALF);
      for (int block = start + lane; block < start + length; block += BLOCK) {
        FloatVector massSum = FloatVector.zero(SPECIES);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = block; i < block + BLOCK; i += WIDTH) {
          FloatVector logit = FloatVector.fromArray(SPECIES, policy.logits, i);
          FloatVector mass = FloatLanes.exp(logit, 0);
          mass.intoArray(policy.mass, i);
          massSum = massSum.add(mass);
          FloatVector term =
              logit
                  .sub(FloatVector.fromArray(SPECIES, logReference, i))
                  .fma(minusLambda, FloatVector.fromArray(SPECIES, values, i))
                  .sub(center)
                  .mul(mass);
          sum = sum.add(term);
        }
        low = low.add(massSum.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(massSum.convertShape(VectorOperators.F2D, DOUBLES, 1));
        low2 = low2.add(sum.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(sum.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(masses.lanes, lane);
      high.intoArray(masses.lanes, lane + HALF);
      low2.intoArray(first.lanes, lane);
      high2.intoArray(first.lanes, lane + HALF);
    }
    policy.keepMassSum(start, masses);
    keepSums(policy, start);
  }

  /** {@code E_p[values] - lambda KL(p || q) = E_p t + lambda log Z}. */
  @Override
  double finish(PolicyScratch policy, float center) {
    policy.mean = mean(first(policy), policy.normalizer, center);
    return policy.mean + (double) lambda * policy.logNormalizer;
  }
}
