package dev.clipkl.engine.vector;

import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ChiSquared;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.JensenShannon;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.SquaredHellinger;

/**
 * The optimum's ratios {@code w = p* / q} of one divergence, on whole chunks of a row (THEORY 2).
 */
interface OptimumRatios {
  /** Whether {@code w f''(w) = 1}: sensitivities and curvatures are the ratios then, not filled. */
  default boolean hasUnitCurvature() {
    return false;
  }

  /** Fills ratios and sensitivities from the distances. */
  void measure(OptimumChunk chunk);

  /** Fills every output. */
  void certify(OptimumChunk chunk);

  /**
   * {@code sup f' - f'(1 / q)}, or slightly less, from q in {@code ratio} into {@code distance};
   * never called where f' has no supremum.
   */
  void loneDistances(OptimumChunk chunk);

  static OptimumRatios of(Divergence divergence) {
    return switch (divergence) {
      case ReverseKl f -> new ExponentialRatios();
      case ForwardKl f -> new PowerRatios(0.0, 1.0, -1.0, 1.0, 0.0);
      case JensenShannon f -> new LogisticRatios();
      case ChiSquared f -> new PowerRatios(1.0, -0.5, 1.0, 2.0, 1.0);
      case SquaredHellinger f -> new PowerRatios(0.0, 1.0, -2.0, 0.5, 1.0);
      case AlphaDivergence f ->
          new PowerRatios(
              f.alpha() > 1.0 ? 1.0 : 0.0,
              1.0 - f.alpha(),
              1.0 / (f.alpha() - 1.0),
              1.0,
              f.alpha());
    };
  }
}
