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

  /** {@code log softmax} of a row in place, in float64 with its maximum taken out first. */
  public static void normalize(double[] logits) {
    normalize(logits, logits.length);
  }

  /** The same for the first {@code actions} entries. */
  static void normalize(double[] logits, int actions) {
    double largest = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < actions; a++) {
      largest = Math.max(largest, logits[a]);
    }
    double sum = 0.0;
    for (int a = 0; a < actions; a++) {
      sum += Math.exp(logits[a] - largest);
    }
    double logNormalizer = Math.log(sum);
    for (int a = 0; a < actions; a++) {
      // The maximum goes first: a large common offset would swallow the logarithm of the sum.
      logits[a] = (logits[a] - largest) - logNormalizer;
    }
  }
}
