package dev.clipkl.compare;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What one pass over a policy in float64 finds. Means are weighted by the normalised visitation;
 * discounted sums by the visitation itself, so that {@code value = reward - lambda
 * discountedDivergence}. In a bandit they are the same.
 *
 * @param reward {@code sum_s d(s) E_p[r]}
 * @param divergence a trained divergence, mean
 * @param klPolicyToReference {@code KL(p || q)}, nats, mean
 * @param klReferenceToPolicy {@code KL(q || p)}, nats, mean
 * @param discountedPolicyToReference {@code sum_s d(s) KL(p || q)}
 * @param discountedReferenceToPolicy {@code sum_s d(s) KL(q || p)}
 * @param shape null where nobody asked for it
 * @param top each row's most probable tokens, rising ids, {@code [states, k]}; none where nobody
 *     asked
 */
@SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
record MeasuredPolicy(
    double reward,
    double divergence,
    double klPolicyToReference,
    double klReferenceToPolicy,
    double discountedPolicyToReference,
    double discountedReferenceToPolicy,
    @Nullable PolicyShape shape,
    int[][] top) {

  /** A measured row. */
  record Row(
      double reward,
      double divergence,
      double klPolicyToReference,
      double klReferenceToPolicy,
      double entropy,
      double headKept,
      double tailMass,
      double referenceTailMass,
      double minLogProbability,
      int[] top) {}

  /**
   * From all rows, summed in their order.
   *
   * @param visitation d, {@code [states]}
   */
  static MeasuredPolicy of(Row[] rows, double[] visitation, boolean withShape) {
    double total = Arrays.stream(visitation).sum();
    double[] sums = new double[9];
    double leastLog = Double.POSITIVE_INFINITY;
    int[][] top = new int[withShape ? rows.length : 0][];
    for (int s = 0; s < rows.length; s++) {
      Row row = rows[s];
      double[] numbers = {
        row.reward,
        row.divergence,
        row.klPolicyToReference,
        row.klReferenceToPolicy,
        row.entropy,
        Math.exp(row.entropy),
        row.headKept,
        row.tailMass,
        row.referenceTailMass
      };
      for (int i = 0; i < sums.length; i++) {
        sums[i] += visitation[s] * numbers[i];
      }
      leastLog = Math.min(leastLog, row.minLogProbability);
      if (withShape) {
        top[s] = row.top;
      }
    }
    PolicyShape shape =
        withShape
            ? new PolicyShape(
                sums[4] / total,
                sums[5] / total,
                sums[6] / total,
                sums[7] / total,
                sums[8] / total,
                Math.exp(leastLog))
            : null;
    return new MeasuredPolicy(
        sums[0], sums[1] / total, sums[2] / total, sums[3] / total, sums[2], sums[3], shape, top);
  }
}
