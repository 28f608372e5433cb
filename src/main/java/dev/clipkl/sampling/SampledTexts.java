package dev.clipkl.sampling;

import java.util.Arrays;

/**
 * Texts drawn from a policy; all arrays are {@code [samples]}.
 *
 * @param tokens what was appended to each prompt, the end-of-text token included
 * @param ended whether the text ended by itself rather than at the greatest length
 * @param rewards {@code sum_t r(s_t, a_t)}
 * @param discountedRewards {@code sum_t gamma^t r(s_t, a_t)}
 * @param logRatios {@code sum_t log p(a_t|s_t) - log q(a_t|s_t)} against the reference q, nats: one
 *     sample's estimate of the KL per text
 */
@SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
public record SampledTexts(
    int[][] tokens,
    boolean[] ended,
    double[] rewards,
    double[] discountedRewards,
    double[] logRatios) {

  /** How many texts there are. */
  public int size() {
    return tokens.length;
  }

  /** Tokens of each text, the end-of-text token included. */
  double[] lengths() {
    return Arrays.stream(tokens).mapToDouble(text -> text.length).toArray();
  }
}
