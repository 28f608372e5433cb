package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;

/** How near to a row's optimum logits come that are stored in float32. */
public final class FloatResolution {
  private FloatResolution() {}

  /**
   * The gap to expect of the optimal logits {@code log p*} rounded to float32, in units of the
   * reward: an estimate of the least gap that a run with float32 logits can hold.
   *
   * <p>To second order a change {@code x} of the logits at the optimum costs {@code lambda / 2
   * sum_a pi_a (x_a - E_p x)^2} with {@code pi_a = p_a w_a f''(w_a)} (THEORY 1.7 at the row
   * optimum, where G is constant). Rounding to nearest moves logit a by an error that is as good as
   * uniform, with variance {@code v_a = ulp(log p_a)^2 / 12}, independently of the others. So the
   * expectation is
   *
   * <p>{@code lambda / 2 (sum_a pi_a v_a (1 - 2 p_a) + sum_a pi_a sum_b p_b^2 v_b)}.
   *
   * <p>Actions with probability 0 do not count. It is an estimate: a row whose mass lies on a few
   * actions can be luckier or less lucky than its expectation by a factor of several.
   *
   * @param optimum of this row and objective
   * @param logReference log q, nats, {@code [actions]}
   * @param actionValues y, {@code [actions]}
   */
  public static double gapFloor(
      Divergence divergence,
      double lambda,
      RowOptimum optimum,
      double[] logReference,
      double[] actionValues) {
    double[] logPolicy =
        new RowOptimumSolver(divergence, lambda).logPolicy(optimum, logReference, actionValues);
    double own = 0.0;
    double weight = 0.0;
    double meanVariance = 0.0;
    for (int a = 0; a < logPolicy.length; a++) {
      if (logPolicy[a] == Double.NEGATIVE_INFINITY) {
        continue;
      }
      double prob = Math.exp(logPolicy[a]);
      double curvature = prob * divergence.curvature(logPolicy[a] - logReference[a]);
      double spacing = Math.ulp((float) logPolicy[a]);
      double variance = spacing * spacing / 12.0;
      own += curvature * variance * (1.0 - 2.0 * prob);
      weight += curvature;
      meanVariance += prob * prob * variance;
    }
    return 0.5 * lambda * (own + weight * meanVariance);
  }
}
