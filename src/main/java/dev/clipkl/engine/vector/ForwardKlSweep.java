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
 * Forward KL: {@code G = Q - lambda (1 - q / p)} up to a constant, so that {@code E_p G = E_p Q}
 * and the gradient {@code g = p (Q - E_p Q - lambda) + lambda q} needs no ratio.
 */
final class ForwardKlSweep extends FusedSweep {

  /**
   * A sweep for one direction.
   *
   * @param isPlain the gradient g; else the preconditioned one {@code g / (lambda max(p, q))}
   */
  ForwardKlSweep(boolean isPlain) {
    super(isPlain);
  }

  @Override
  void move(
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length) {
    if (isPlain) {
      moveByGradient(from, to, values, step, start, length);
    } else {
      moveByPreconditionedGradient(from, to, values, step / lambda, start, length);
    }
  }

  private void moveByGradient(
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length) {
    float shift = (float) (from.mean + lambda);
    float inverseNormalizer = from.inverseNormalizer;
    IntVector longest = IntVector.zero(INTS);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      FloatVector prob = FloatVector.fromArray(SPECIES, from.mass, i).mul(inverseNormalizer);
      FloatVector gradient =
          FloatVector.fromArray(SPECIES, values, i)
              .sub(shift)
              .fma(prob, FloatVector.fromArray(SPECIES, reference, i).mul(lambda));
      FloatVector logit = FloatVector.fromArray(SPECIES, from.logits, i);
      FloatVector increment = gradient.fma(stepLanes, FloatVector.fromArray(SPECIES, from.lost, i));
      FloatVector moved = logit.add(increment);
      moved.intoArray(to.logits, i);
      FloatVector move = moved.sub(logit);
      increment.sub(move).intoArray(to.lost, i);
      longest = longest.max(move.reinterpretAsInts().and(MAGNITUDE_BITS));
    }
    keepBound(from, to, start, Float.intBitsToFloat(longest.reduceLanes(VectorOperators.MAX)));
  }

  private void moveByPreconditionedGradient(
      PolicyScratch from, PolicyScratch to, float[] values, float step, int start, int length) {
    float shift = (float) (from.mean + lambda);
    float inverseNormalizer = from.inverseNormalizer;
    IntVector longest = IntVector.zero(INTS);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, slope.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, slope.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector prob = FloatVector.fromArray(SPECIES, from.mass, i).mul(inverseNormalizer);
        FloatVector q = FloatVector.fromArray(SPECIES, reference, i);
        FloatVector gradient =
            FloatVector.fromArray(SPECIES, values, i).sub(shift).fma(prob, q.mul(lambda));
        FloatVector larger = prob.blend(q, q.compare(VectorOperators.GT, prob));
        // Where both vanish the gradient does: any divisor will do.
        FloatVector direction =
            gradient.div(larger.blend(Float.MIN_NORMAL, larger.lt(Float.MIN_NORMAL)));
        FloatVector logit = FloatVector.fromArray(SPECIES, from.logits, i);
        FloatVector moved = direction.fma(stepLanes, logit);
        moved.intoArray(to.logits, i);
        longest = longest.max(moved.sub(logit).reinterpretAsInts().and(MAGNITUDE_BITS));
        FloatVector term = gradient.mul(direction);
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
    return isPlain ? squaredGradient.total() : slope.total() / lambda;
  }

  @Override
  void addSquaredGradient(PolicyScratch policy, float[] values, int start, int length) {
    float shift = (float) (policy.mean + lambda);
    float inverseNormalizer = policy.inverseNormalizer;
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, squaredGradient.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, squaredGradient.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector prob = FloatVector.fromArray(SPECIES, policy.mass, i).mul(inverseNormalizer);
        FloatVector gradient =
            FloatVector.fromArray(SPECIES, values, i)
                .sub(shift)
                .fma(prob, FloatVector.fromArray(SPECIES, reference, i).mul(lambda));
        FloatVector term = gradient.mul(gradient);
        low = low.add(term.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(term.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(squaredGradient.lanes, lane);
      high.intoArray(squaredGradient.lanes, lane + HALF);
    }
  }

  /** {@code sum mass (Q - center)}, and {@code sum q (log q - theta)}. */
  @Override
  void measure(PolicyScratch policy, float[] values, float center, int start, int length) {
    clearSums();
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, masses.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, masses.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane + HALF);
      DoubleVector low3 = DoubleVector.fromArray(DOUBLES, second.lanes, lane);
      DoubleVector high3 = DoubleVector.fromArray(DOUBLES, second.lanes, lane + HALF);
      for (int i = start + lane; i < start + length; i += WIDTH) {
        FloatVector mass = FloatVector.fromArray(SPECIES, policy.mass, i);
        low = low.add(mass.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high = high.add(mass.convertShape(VectorOperators.F2D, DOUBLES, 1));
        FloatVector value = FloatVector.fromArray(SPECIES, values, i).sub(center).mul(mass);
        FloatVector distance =
            FloatVector.fromArray(SPECIES, logReference, i)
                .sub(FloatVector.fromArray(SPECIES, policy.logits, i))
                .mul(FloatVector.fromArray(SPECIES, reference, i));
        low2 = low2.add(value.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high2 = high2.add(value.convertShape(VectorOperators.F2D, DOUBLES, 1));
        low3 = low3.add(distance.convertShape(VectorOperators.F2D, DOUBLES, 0));
        high3 = high3.add(distance.convertShape(VectorOperators.F2D, DOUBLES, 1));
      }
      low.intoArray(masses.lanes, lane);
      high.intoArray(masses.lanes, lane + HALF);
      low2.intoArray(first.lanes, lane);
      high2.intoArray(first.lanes, lane + HALF);
      low3.intoArray(second.lanes, lane);
      high3.intoArray(second.lanes, lane + HALF);
    }
    policy.keepMassSum(start, masses);
    keepSums(policy, start);
  }

  /** The first sum alone: the second is the objective's. */
  @Override
  void measureInBlocks(PolicyScratch policy, float[] values, float center, int start, int length) {
    clearSums();
    for (int lane = 0; lane < WIDTH; lane += LANES) {
      DoubleVector low = DoubleVector.fromArray(DOUBLES, masses.lanes, lane);
      DoubleVector high = DoubleVector.fromArray(DOUBLES, masses.lanes, lane + HALF);
      DoubleVector low2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane);
      DoubleVector high2 = DoubleVector.fromArray(DOUBLES, first.lanes, lane + HALF);
      for (int block = start + lane; block < start + length; block += BLOCK) {
        FloatVector massSum = FloatVector.zero(SPECIES);
        FloatVector sum = FloatVector.zero(SPECIES);
        for (int i = block; i < block + BLOCK; i += WIDTH) {
          FloatVector mass = FloatLanes.exp(FloatVector.fromArray(SPECIES, policy.logits, i), 0);
          mass.intoArray(policy.mass, i);
          massSum = massSum.add(mass);
          sum = sum.add(FloatVector.fromArray(SPECIES, values, i).sub(center).mul(mass));
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

  /**
   * {@code E_p[values] - lambda KL(q || p)}, with {@code KL(q || p) = sum q (log q - theta) + log Z
   * sum q + 1 - sum q}: the centred divergence, whose q need not sum to 1 to the last bit.
   */
  @Override
  double finish(PolicyScratch policy, float center) {
    policy.mean = mean(first(policy), policy.normalizer, center);
    double divergence = second(policy) + policy.logNormalizer * referenceSum + (1.0 - referenceSum);
    return policy.mean - (double) lambda * divergence;
  }
}
