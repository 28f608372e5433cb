package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;
import static dev.clipkl.engine.vector.FloatLanes.accumulate;
import static dev.clipkl.engine.vector.FloatLanes.broadcast;
import static dev.clipkl.engine.vector.FloatLanes.total;
import static dev.clipkl.engine.vector.FloatLanes.zeroSum;

import dev.clipkl.engine.AdamMoments;
import dev.clipkl.engine.AscentDirection;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.SurrogatePoint;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * From coefficients to an ascent direction, in one sweep per optimizer. Also keeps the optimizer's
 * moments for the row in hand.
 */
abstract class DirectionSweep {

  static DirectionSweep of(OptimizerKind optimizer, int padded) {
    return switch (optimizer) {
      case GRADIENT -> new Gradient();
      case NATURAL -> new Natural();
      case NEWTON -> new Preconditioned(false);
      case PRECONDITIONED -> new Preconditioned(true);
      case NESTEROV -> new Nesterov(padded);
      case ADAM -> new Adam(padded);
    };
  }

  /** Reads the row's moments. */
  void load(List<RowTable> moments, int row) {}

  /** Writes the row's moments. */
  void store(List<RowTable> moments, int row) {}

  /** Writes the direction; fills slope, norm, curvature and momentum slope. */
  final void run(
      PolicyScratch policy,
      SurrogatePoint point,
      int momentumSteps,
      float lambda,
      float referenceCurvature,
      float[] direction,
      AscentDirection result) {
    float mean = (float) point.meanCoefficient;
    result.momentumSlope = 0.0;
    sweep(policy, mean, momentumSteps, lambda, referenceCurvature, direction, result);
    DoubleVector slope = zeroSum();
    DoubleVector squares = zeroSum();
    FloatVector largestCurvature = broadcast(0f);
    for (int i = 0; i < direction.length; i += LANES) {
      FloatVector centred = FloatVector.fromArray(SPECIES, policy.coefficient, i).sub(mean);
      FloatVector gradient = gradient(policy, i, mean);
      slope = accumulate(slope, gradient.mul(FloatVector.fromArray(SPECIES, direction, i)));
      squares = accumulate(squares, gradient.mul(gradient));
      FloatVector curvature =
          FloatVector.fromArray(SPECIES, policy.curvature, i)
              .fma(broadcast(-lambda), centred)
              .abs();
      largestCurvature =
          largestCurvature.blend(
              curvature, curvature.compare(VectorOperators.GT, largestCurvature));
    }
    result.slope = total(slope);
    result.squaredGradientNorm = total(squares);
    result.largestCurvature = FloatLanes.largest(largestCurvature);
  }

  abstract void sweep(
      PolicyScratch policy,
      float mean,
      int momentumSteps,
      float lambda,
      float referenceCurvature,
      float[] direction,
      AscentDirection result);

  /** Only Nesterov moves with momentum. */
  void moveWithMomentum(
      float[] logits,
      float[] direction,
      double step,
      double momentum,
      double nextMomentum,
      float[] proposed) {
    throw new IllegalStateException("only Nesterov's direction has a velocity");
  }

  /** The proposal was accepted. */
  void accept() {}

  private static FloatVector gradient(PolicyScratch policy, int i, float mean) {
    return FloatVector.fromArray(SPECIES, policy.coefficient, i)
        .sub(mean)
        .mul(FloatVector.fromArray(SPECIES, policy.mass, i).mul(policy.inverseNormalizer));
  }

  private static void writeGradient(PolicyScratch policy, float mean, float[] direction) {
    for (int i = 0; i < direction.length; i += LANES) {
      gradient(policy, i, mean).intoArray(direction, i);
    }
  }

  private static final class Gradient extends DirectionSweep {
    @Override
    void sweep(
        PolicyScratch policy,
        float mean,
        int momentumSteps,
        float lambda,
        float referenceCurvature,
        float[] direction,
        AscentDirection result) {
      writeGradient(policy, mean, direction);
    }
  }

  private static final class Natural extends DirectionSweep {
    @Override
    void sweep(
        PolicyScratch policy,
        float mean,
        int momentumSteps,
        float lambda,
        float referenceCurvature,
        float[] direction,
        AscentDirection result) {
      for (int i = 0; i < direction.length; i += LANES) {
        FloatVector.fromArray(SPECIES, policy.coefficient, i)
            .sub(mean)
            .div(lambda)
            .intoArray(direction, i);
      }
    }
  }

  private static final class Preconditioned extends DirectionSweep {
    private final boolean bounded;

    Preconditioned(boolean bounded) {
      this.bounded = bounded;
    }

    @Override
    void sweep(
        PolicyScratch policy,
        float mean,
        int momentumSteps,
        float lambda,
        float referenceCurvature,
        float[] direction,
        AscentDirection result) {
      float least = bounded ? referenceCurvature : 0f;
      for (int i = 0; i < direction.length; i += LANES) {
        FloatVector curvature =
            FloatLanes.atLeast(FloatVector.fromArray(SPECIES, policy.curvature, i), least);
        FloatVector.fromArray(SPECIES, policy.coefficient, i)
            .sub(mean)
            .div(curvature.mul(lambda))
            .intoArray(direction, i);
      }
    }
  }

  private static final class Nesterov extends DirectionSweep {
    private float[] velocity;
    private float[] proposedVelocity;

    Nesterov(int padded) {
      velocity = new float[padded];
      proposedVelocity = new float[padded];
    }

    @Override
    void load(List<RowTable> moments, int row) {
      moments.get(0).readRow(row, velocity);
    }

    @Override
    void store(List<RowTable> moments, int row) {
      moments.get(0).writeRow(row, velocity);
    }

    @Override
    void sweep(
        PolicyScratch policy,
        float mean,
        int momentumSteps,
        float lambda,
        float referenceCurvature,
        float[] direction,
        AscentDirection result) {
      writeGradient(policy, mean, direction);
      if (momentumSteps == 1) {
        Arrays.fill(velocity, 0f);
      }
      DoubleVector slope = zeroSum();
      for (int i = 0; i < direction.length; i += LANES) {
        slope =
            accumulate(
                slope,
                FloatVector.fromArray(SPECIES, direction, i)
                    .mul(FloatVector.fromArray(SPECIES, velocity, i)));
      }
      result.momentumSlope = total(slope);
    }

    @Override
    void moveWithMomentum(
        float[] logits,
        float[] direction,
        double step,
        double momentum,
        double nextMomentum,
        float[] proposed) {
      for (int i = 0; i < direction.length; i += LANES) {
        FloatVector move = FloatVector.fromArray(SPECIES, direction, i).mul((float) step);
        FloatVector next =
            FloatVector.fromArray(SPECIES, velocity, i).fma(broadcast((float) momentum), move);
        next.intoArray(proposedVelocity, i);
        next.fma(
                broadcast((float) nextMomentum),
                FloatVector.fromArray(SPECIES, logits, i).add(move))
            .intoArray(proposed, i);
      }
    }

    @Override
    void accept() {
      float[] swap = velocity;
      velocity = proposedVelocity;
      proposedVelocity = swap;
    }
  }

  private static final class Adam extends DirectionSweep {
    private final float[] moment1;
    private final float[] moment2;

    Adam(int padded) {
      moment1 = new float[padded];
      moment2 = new float[padded];
    }

    @Override
    void load(List<RowTable> moments, int row) {
      moments.get(0).readRow(row, moment1);
      moments.get(1).readRow(row, moment2);
    }

    @Override
    void store(List<RowTable> moments, int row) {
      moments.get(0).writeRow(row, moment1);
      moments.get(1).writeRow(row, moment2);
    }

    @Override
    void sweep(
        PolicyScratch policy,
        float mean,
        int momentumSteps,
        float lambda,
        float referenceCurvature,
        float[] direction,
        AscentDirection result) {
      if (momentumSteps == 1) {
        Arrays.fill(moment1, 0f);
        Arrays.fill(moment2, 0f);
      }
      float correction1 = (float) AdamMoments.biasCorrection(AdamMoments.BETA1, momentumSteps);
      float correction2 = (float) AdamMoments.biasCorrection(AdamMoments.BETA2, momentumSteps);
      for (int i = 0; i < direction.length; i += LANES) {
        FloatVector gradient = gradient(policy, i, mean);
        FloatVector first =
            FloatVector.fromArray(SPECIES, moment1, i)
                .mul((float) AdamMoments.BETA1)
                .add(gradient.mul((float) (1.0 - AdamMoments.BETA1)));
        FloatVector second =
            FloatVector.fromArray(SPECIES, moment2, i)
                .mul((float) AdamMoments.BETA2)
                .add(gradient.mul(gradient).mul((float) (1.0 - AdamMoments.BETA2)));
        first.intoArray(moment1, i);
        second.intoArray(moment2, i);
        first
            .mul(correction1)
            .div(second.mul(correction2).sqrt().add((float) AdamMoments.EPSILON))
            .intoArray(direction, i);
      }
    }
  }
}
