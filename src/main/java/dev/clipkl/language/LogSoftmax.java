package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import org.jspecify.annotations.Nullable;

/** Turns one row of logits into log-probabilities. */
final class LogSoftmax {
  private LogSoftmax() {}

  /**
   * {@code log sum_j exp(x_j)}, with the row's maximum taken out first; float64, in index order.
   *
   * @param row finite, nats
   */
  static double logSumExp(double[] row) {
    double max = Double.NEGATIVE_INFINITY;
    for (double value : row) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (double value : row) {
      sum += Math.exp(value - max);
    }
    return max + Math.log(sum);
  }

  /**
   * Writes {@code x_i - logZ} into {@code row} itself.
   *
   * @return the smallest log-probability of the row, nats
   */
  static double normalise(double[] row, double logZ) {
    double smallest = 0;
    for (int i = 0; i < row.length; i++) {
      row[i] -= logZ;
      smallest = Math.min(smallest, row[i]);
    }
    return smallest;
  }

  /**
   * Checks that every entry is a number a policy can be compared with.
   *
   * @throws InputException for NaN, infinity or a probability that is zero in float64, naming the
   *     row, the column and, where {@code tokenizer} is given, the token
   */
  static void check(
      double[] row, double logZ, String tensor, long rowIndex, @Nullable Tokenizer tokenizer) {
    for (int column = 0; column < row.length; column++) {
      double value = row[column];
      boolean zero = value == Double.NEGATIVE_INFINITY || Math.exp(value - logZ) == 0;
      if (!Double.isNaN(value) && value != Double.POSITIVE_INFINITY && !zero) {
        continue;
      }
      String token = tokenizer == null ? "" : " (token " + tokenizer.display(column) + ")";
      String where = "%s[%d, %d]%s is %s".formatted(tensor, rowIndex, column, token, value);
      throw new InputException(
          zero
              ? where
                  + ": a zero reference probability, every one must be > 0; raise it (say, to a"
                  + " log-probability of -30) or mix the row with the uniform distribution"
              : where + ", expected a finite number");
    }
  }

  /**
   * Writes a row of log-probabilities. A table that rounds them to 16 bits gets the row's new
   * normaliser with it, so that what is read is a distribution again: rounding has changed the
   * policy by up to {@code 2^-9} (bfloat16) or {@code 2^-12} (float16) of each log-probability, and
   * nothing else.
   *
   * @param logProbabilities nats; overwritten
   */
  static void write(RowTable table, long row, double[] logProbabilities) {
    table.writeRow(row, logProbabilities);
    if (table.isHalf()) {
      table.readRow(row, logProbabilities);
      table.setLogNormalizer(row, logSumExp(logProbabilities));
    }
  }
}
