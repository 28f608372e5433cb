package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.FloatLanes.LANES;
import static dev.clipkl.engine.vector.FloatLanes.SPECIES;

import dev.clipkl.engine.AdamMoments;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/**
 * From coefficients to an ascent direction, in one sweep per optimizer. Also keeps the optimizer's
 * moments for the row in hand.
 */
abstract class DirectionSweep {
  float mean;
  float lambda;
  float referenceCurvature;

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

  /**
   * Begins a direction.
   *
   * @param newMean {@code E_p G}
   * @param newReferenceCurvature {@code f''(1)}
   * @param momentumSteps 1 makes the moments start from zero
   */
  void begin(float newMean, float newLambda, float newReferenceCurvature, int momentumSteps) {
    mean = newMean;
    lambda = newLambda;
    referenceCurvature = newReferenceCurvature;
  }

  /**
   * Writes one piece of the direction.
   *
   * @param gradient {@code p (G - E_p G)} of the piece, from index 0
   */
  abstract void run(
      PolicyScratch policy, float[] gradient, int start, int length, float[] direction);

  /** Whether the direction divides by {@code w f''(w)}. */
  boolean readsCurvature() {
    return false;
  }

  /** {@code <g, velocity>} of one piece; 0 without velocity. */
  double momentumSlope(RowChunk chunk, float[] gradient, int start, int length) {
    return 0.0;
  }

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

  private static final class Gradient extends DirectionSweep {
    @Override
    void run(PolicyScratch policy, float[] gradient, int start, int length, float[] direction) {
      System.arraycopy(gradient, 0, direction, start, length);
    }
  }

  private static final class Natural extends DirectionSweep {
    @Override
    void run(PolicyScratch policy, float[] gradient, int start, int length, float[] direction) {
      for (int i = start; i < start + length; i += LANES) {
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
    boolean readsCurvature() {
      return true;
    }

    @Override
    void run(PolicyScratch policy, float[] gradient, int start, int length, float[] direction) {
      float least = bounded ? referenceCurvature : 0f;
      for (int i = start; i < start + length; i += LANES) {
        FloatVector curvature = FloatVector.fromArray(SPECIES, policy.curvature, i).max(least);
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
    void begin(float newMean, float newLambda, float newReferenceCurvature, int momentumSteps) {
      super.begin(newMean, newLambda, newReferenceCurvature, momentumSteps);
      if (momentumSteps == 1) {
        Arrays.fill(velocity, 0f);
      }
    }

    @Override
    void run(PolicyScratch policy, float[] gradient, int start, int length, float[] direction) {
      System.arraycopy(gradient, 0, direction, start, length);
    }

    @Override
    double momentumSlope(RowChunk chunk, float[] gradient, int start, int length) {
      return chunk.dot(gradient, 0, velocity, start, length);
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
            FloatVector.fromArray(SPECIES, velocity, i)
                .fma(FloatVector.broadcast(SPECIES, (float) momentum), move);
        next.intoArray(proposedVelocity, i);
        next.fma(
                FloatVector.broadcast(SPECIES, (float) nextMomentum),
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
    private float correction1;
    private float correction2;

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
    void begin(float newMean, float newLambda, float newReferenceCurvature, int momentumSteps) {
      super.begin(newMean, newLambda, newReferenceCurvature, momentumSteps);
      if (momentumSteps == 1) {
        Arrays.fill(moment1, 0f);
        Arrays.fill(moment2, 0f);
      }
      correction1 = (float) AdamMoments.biasCorrection(AdamMoments.BETA1, momentumSteps);
      correction2 = (float) AdamMoments.biasCorrection(AdamMoments.BETA2, momentumSteps);
    }

    @Override
    void run(PolicyScratch policy, float[] gradient, int start, int length, float[] direction) {
      for (int i = start; i < start + length; i += LANES) {
        FloatVector g = FloatVector.fromArray(SPECIES, gradient, i - start);
        FloatVector first =
            FloatVector.fromArray(SPECIES, moment1, i)
                .mul((float) AdamMoments.BETA1)
                .add(g.mul((float) (1.0 - AdamMoments.BETA1)));
        FloatVector second =
            FloatVector.fromArray(SPECIES, moment2, i)
                .mul((float) AdamMoments.BETA2)
                .add(g.mul(g).mul((float) (1.0 - AdamMoments.BETA2)));
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
