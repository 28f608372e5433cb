package dev.clipkl.audit;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * Rows of logits for policy, reference and, off-policy, sampler.
 *
 * @param start weights, which sum to 1
 */
record AuditRows(
    double[] start, double[][] policy, double[][] reference, double @Nullable [][] sampler) {
  static AuditRows random(long seed, int rows, int actions, double spread, boolean offPolicy) {
    Random random = new Random(seed);
    double[] weights = random.doubles(rows, 0.5, 1.5).toArray();
    double total = Arrays.stream(weights).sum();
    double[][] reference = gaussian(random, rows, actions, spread);
    double[][] policy = moved(random, reference, spread);
    return new AuditRows(
        Arrays.stream(weights).map(w -> w / total).toArray(),
        policy,
        reference,
        offPolicy ? moved(random, policy, 0.5 * spread) : null);
  }

  static AuditRows one(double[] policy, double[] reference) {
    return new AuditRows(
        new double[] {1.0}, new double[][] {logs(policy)}, new double[][] {logs(reference)}, null);
  }

  private static double[] logs(double[] probabilities) {
    return Arrays.stream(probabilities).map(Math::log).toArray();
  }

  private static double[][] gaussian(Random random, int rows, int actions, double spread) {
    return IntStream.range(0, rows)
        .mapToObj(row ->
            IntStream.range(0, actions).mapToDouble(a -> spread * random.nextGaussian()).toArray())
        .toArray(double[][]::new);
  }

  private static double[][] moved(Random random, double[][] from, double spread) {
    double[][] moves = gaussian(random, from.length, from[0].length, spread);
    for (int row = 0; row < from.length; row++) {
      for (int a = 0; a < from[row].length; a++) {
        moves[row][a] += from[row][a];
      }
    }
    return moves;
  }

  int actions() {
    return policy[0].length;
  }

  AuditInput input() {
    return new AuditInput(
        LongStream.range(0, start.length).toArray(),
        start,
        actions(),
        table(policy),
        table(reference),
        sampler == null ? null : table(sampler));
  }

  private static LogProbabilities table(double[][] logits) {
    return (row, destination) -> {
      double[] log = logSoftmax(logits[(int) row]);
      System.arraycopy(log, 0, destination, 0, log.length);
    };
  }

  static double[] logSoftmax(double[] logits) {
    double largest = Arrays.stream(logits).max().orElseThrow();
    double logSum = Math.log(Arrays.stream(logits).map(x -> Math.exp(x - largest)).sum());
    return Arrays.stream(logits).map(x -> x - largest - logSum).toArray();
  }

  static double[] softmax(double[] logits) {
    return Arrays.stream(logSoftmax(logits)).map(Math::exp).toArray();
  }
}
