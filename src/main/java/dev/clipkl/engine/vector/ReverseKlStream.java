package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.BLOCK;
import static dev.clipkl.engine.vector.FloatLanes.DOUBLES;
import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.WIDTH;
import static dev.clipkl.engine.vector.LaneSum.HALF;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** {@link ReverseKlSweep} on memory. */
final class ReverseKlStream extends StreamedSweep {
  private final boolean isPlain;

  /**
   * A sweep for one direction.
   *
   * @param isPlain the gradient; else the natural one
   */
  ReverseKlStream(boolean isPlain) {
    this.isPlain = isPlain;
  }

  @Override
  void move(
      RowMemory row, float inverseNormalizer, double mean, float step, int start, int length) {
    if (isPlain) {
      moveByGradient(row, inverseNormalizer, (float) mean, step, start, length);
    } else {
      moveByNaturalGradient(row, (float) mean, step / lambda, start, length);
    }
  }

  private void moveByGradient(
      RowMemory row, float inverseNormalizer, float mean, float step, int start, int length) {
    MemorySegment logits = row.logits;
    MemorySegment lost = row.lost;
    MemorySegment logReference = row.logReference;
    MemorySegment actionValue = row.actionValue;
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      long at = (long) i * Float.BYTES;
      FloatVector logit = FloatVector.fromMemorySegment(SPECIES, logits, at, LITTLE_ENDIAN);
      FloatVector gradient =
          logit
              .sub(FloatVector.fromMemorySegment(SPECIES, logReference, at, LITTLE_ENDIAN))
              .fma(
                  minusLambda,
                  FloatVector.fromMemorySegment(SPECIES, actionValue, at, LITTLE_ENDIAN))
              .sub(mean)
              .mul(FloatLanes.exp(logit, 0).mul(inverseNormalizer));
      FloatVector increment =
          gradient.fma(stepLanes, FloatVector.fromMemorySegment(SPECIES, lost, at, LITTLE_ENDIAN));
      FloatVector moved = logit.add(increment);
      moved.intoMemorySegment(logits, at, LITTLE_ENDIAN);
      increment.sub(moved.sub(logit)).intoMemorySegment(lost, at, LITTLE_ENDIAN);
    }
  }

  private void moveByNaturalGradient(RowMemory row, float mean, float step, int start, int length) {
    MemorySegment logits = row.logits;
    MemorySegment logReference = row.logReference;
    MemorySegment actionValue = row.actionValue;
    FloatVector minusLambda = FloatVector.broadcast(SPECIES, -lambda);
    FloatVector stepLanes = FloatVector.broadcast(SPECIES, step);
    for (int i = start; i < start + length; i += LANES) {
      long at = (long) i * Float.BYTES;
      FloatVector logit = FloatVector.fromMemorySegment(SPECIES, logits, at, LITTLE_ENDIAN);
      logit
          .sub(FloatVector.fromMemorySegment(SPECIES, logReference, at, LITTLE_ENDIAN))
          .fma(minusLambda, FloatVector.fromMemorySegment(SPECIES, actionValue, at, LITTLE_ENDIAN))
          .sub(mean)
          .fma(stepLanes, logit)
          .intoMemorySegment(logits, at, LITTLE_ENDIAN);
    }
  }

  @Override
  void measure(RowMemory row, float center, int start, int length) {
    MemorySegment logits = row.logits;
    MemorySegment logReference = row.logReference;
    MemorySegment actionValue = row.actionValue;
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
          long at = (long) i * Float.BYTES;
          FloatVector logit = FloatVector.fromMemorySegment(SPECIES, logits, at, LITTLE_ENDIAN);
          FloatVector mass = FloatLanes.exp(logit, 0);
          massSum = massSum.add(mass);
          FloatVector term =
              logit
                  .sub(FloatVector.fromMemorySegment(SPECIES, logReference, at, LITTLE_ENDIAN))
                  .fma(
                      minusLambda,
                      FloatVector.fromMemorySegment(SPECIES, actionValue, at, LITTLE_ENDIAN))
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
  }
}
