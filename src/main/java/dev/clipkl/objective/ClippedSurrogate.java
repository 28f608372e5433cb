package dev.clipkl.objective;

/**
 * The clipped surrogate of PPO in exact expectation (THEORY 1.3, 1.5, 1.6).
 *
 * <p>{@code l_clip(p) = sum_a p_old,a min(rho_a A_a, clip(rho_a, 1 - eps, 1 + eps) A_a) - lambda
 * (D(p) - D(p_old))} with {@code rho = p / p_old}.
 *
 * @param clipEpsilon half-width of the ratio band, in (0, 1)
 * @param logUpper {@code log(1 + clipEpsilon)}
 * @param logLower {@code log(1 - clipEpsilon)}
 */
public record ClippedSurrogate(double clipEpsilon, double logUpper, double logLower) {

  /**
   * The surrogate for one band.
   *
   * @throws IllegalArgumentException when {@code clipEpsilon} is not in (0, 1)
   */
  public static ClippedSurrogate of(double clipEpsilon) {
    if (!(clipEpsilon > 0.0 && clipEpsilon < 1.0)) {
      throw new IllegalArgumentException("clip-epsilon must be in (0, 1), got " + clipEpsilon);
    }
    return new ClippedSurrogate(clipEpsilon, Math.log1p(clipEpsilon), Math.log1p(-clipEpsilon));
  }

  /**
   * Whether the clip is inactive for an action, so that its advantage still has a gradient. At an
   * exact tie the unclipped side is taken: it is a supergradient of the concave piece.
   *
   * @param logProbRatio {@code log p - log p_old}
   */
  public boolean hasGradient(double advantage, double logProbRatio) {
    return advantage >= 0.0 ? logProbRatio <= logUpper : logProbRatio >= logLower;
  }

  /** {@code min(rho A, clip(rho) A)}, to be weighted by p_old. */
  public double term(double advantage, double logProbRatio) {
    double ratio = Math.exp(logProbRatio);
    double clipped = Math.clamp(ratio, 1.0 - clipEpsilon, 1.0 + clipEpsilon);
    return Math.min(ratio * advantage, clipped * advantage);
  }

  /** Whether the ratio lies outside the band, on either side and whatever the advantage. */
  public boolean isOutsideBand(double logProbRatio) {
    return logProbRatio > logUpper || logProbRatio < logLower;
  }
}
