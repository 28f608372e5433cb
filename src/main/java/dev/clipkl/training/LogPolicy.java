package dev.clipkl.training;

import dev.clipkl.table.RowTable;

/** Tables of logits as log-probabilities. */
public final class LogPolicy {
  private LogPolicy() {}

  /** {@code log softmax} of every row in float64, nats, {@code [states, actions]}. */
  public static double[][] read(RowTable logits) {
    double[][] logPolicy = new double[Math.toIntExact(logits.rows())][logits.columns()];
    for (int s = 0; s < logPolicy.length; s++) {
      logits.readRow(s, logPolicy[s]);
      normalize(logPolicy[s]);
    }
    return logPolicy;
  }

  /** {@code log softmax} in place, in float64 with the row's maximum taken out first. */
  public static void normalize(double[] logits) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0.0;
    for (double logit : logits) {
      sum += Math.exp(logit - largest);
    }
    double logNormalizer = Math.log(sum);
    for (int a = 0; a < logits.length; a++) {
      // The maximum goes first: a large common offset would swallow the logarithm of the sum.
      logits[a] = (logits[a] - largest) - logNormalizer;
    }
  }
}
