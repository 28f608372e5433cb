package dev.clipkl.engine;

/** Adam's constants (Kingma and Ba, 2015, algorithm 1), shared by the engines. */
public final class AdamMoments {
  /** Decay of the first moment. */
  public static final double BETA1 = 0.9;

  /** Decay of the second moment. */
  public static final double BETA2 = 0.999;

  /** Keeps the direction finite where the second moment vanishes. */
  public static final double EPSILON = 1e-8;

  private AdamMoments() {}

  /** {@code 1 / (1 - beta^steps)}: the bias correction after {@code steps} updates. */
  public static double biasCorrection(double beta, int steps) {
    return 1.0 / (1.0 - Math.pow(beta, steps));
  }
}
