package dev.clipkl.exact;

/**
 * What a policy of a finite MDP is worth, exactly (THEORY 0.2 to 0.5).
 *
 * @param values {@code V(s)}, the regularised value, {@code [states]}
 * @param actionValues {@code Q(s, a) = r + gamma sum P V}, {@code [states, actions]}; the
 *     regulariser of later states is inside, the own state's is not
 * @param visitation {@code d(s) = sum_t gamma^t Pr(s_t = s)}, {@code [states]}, summing to {@code 1
 *     / (1 - gamma)}
 * @param rewards {@code E_p[r]}, {@code [states]}
 * @param divergences {@code D_s(p)}, {@code [states]}
 * @param errorBound how far {@code values} can be from the solution of the linear system, by its
 *     residual
 */
@SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
public record PolicyValues(
    double[] values,
    double[][] actionValues,
    double[] visitation,
    double[] rewards,
    double[] divergences,
    double errorBound) {

  /** {@code sum_s weights_s V(s)}; with the start distribution the objective. */
  public double average(double[] weights) {
    return dot(weights, values);
  }

  static double dot(double[] x, double[] y) {
    double sum = 0.0;
    for (int i = 0; i < x.length; i++) {
      sum += x[i] * y[i];
    }
    return sum;
  }
}
