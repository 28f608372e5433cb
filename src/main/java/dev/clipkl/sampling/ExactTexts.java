package dev.clipkl.sampling;

import java.util.function.IntToDoubleFunction;

/**
 * Exact expectations of sums along a text that is broken off after M tokens.
 *
 * <p>With {@code f(s)} what the policy expects of one step in state s, {@code P(s, c)} its mass on
 * class c, and a text at position t in class c in state {@code (t, c)}, the sum {@code W_t(c) = E
 * sum_(k >= t) g^(k - t) f(s_k)} over the tokens from position t on obeys
 *
 * <pre>
 *   W_M(c) = 0,   W_t(c) = f(t, c) + g sum_c' P((t, c), c') W_(t + 1)(c')
 * </pre>
 *
 * since tokens that end the text lead to no class, and nothing comes after them. M backward sweeps
 * over the chain's masses are exact up to rounding. The texts that are drawn are broken off at the
 * same M, so that their averages have these expectations without a bias.
 *
 * <p>{@code f = 1} counts tokens, the end-of-text token among them; {@code f = P(end)} the share of
 * texts that end by themselves; {@code f = E_p[r]} the reward, discounted where g is the problem's
 * discount; {@code f = KL(p||q)} the divergence per text, whose sampled counterpart is the sum of
 * {@code log p - log q} along the text.
 */
final class ExactTexts {
  private ExactTexts() {}

  /**
   * {@code sum_c u(c) W_0(c)}.
   *
   * @param start u, the distribution of the prompts' classes, {@code [classes]}
   * @param factor g, what a step's sum is worth a step before
   * @param step f, by state
   */
  static double expected(
      SampledPolicy policy, double[] start, double factor, IntToDoubleFunction step) {
    double[] later = new double[start.length];
    double[] now = new double[start.length];
    for (int position = policy.maxLength() - 1; position >= 0; position--) {
      for (int c = 0; c < now.length; c++) {
        int state = policy.state(position, c);
        now[c] = step.applyAsDouble(state) + factor * dot(policy.masses(state), later);
      }
      double[] swapped = later;
      later = now;
      now = swapped;
    }
    return dot(start, later);
  }

  private static double dot(double[] x, double[] y) {
    double sum = 0.0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }
}
