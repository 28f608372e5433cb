package dev.clipkl.bench;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import java.util.Locale;

/** The two ways of stepping that are timed. */
public enum BenchMethod {
  /** Raw gradients with a constant step: the arithmetic that every framework can do. */
  FIXED {
    @Override
    public RowProgram program(Divergence divergence, int innerSteps) {
      return new RowProgram(
          divergence,
          LAMBDA,
          ClippedSurrogate.of(CLIP_EPSILON),
          OptimizerKind.GRADIENT,
          StepRuleKind.FIXED,
          STEP,
          innerSteps,
          0.0,
          1.0);
    }
  },
  /** The default of training: the recommended optimizer, each step certified by backtracking. */
  PRACTICAL {
    @Override
    public RowProgram program(Divergence divergence, int innerSteps) {
      return new RowProgram(
          divergence,
          LAMBDA,
          ClippedSurrogate.of(CLIP_EPSILON),
          OptimizerKind.recommendedFor(divergence),
          StepRuleKind.BACKTRACKING,
          1.0,
          innerSteps,
          0.0);
    }
  };

  /** The divergence's weight in all programs that are timed. */
  public static final double LAMBDA = 0.1;

  /** Half-width of the ratio band. */
  public static final double CLIP_EPSILON = 0.2;

  /**
   * The constant step, in nats per unit of gradient: with rewards of unit variance a few of these
   * move the likeliest actions out of the ratio band, so that the clip has work to do.
   */
  public static final double STEP = 1.0;

  /** The row program of this method; its tolerance of 0 keeps every row at work. */
  public abstract RowProgram program(Divergence divergence, int innerSteps);

  /** The name in tables and documents. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
