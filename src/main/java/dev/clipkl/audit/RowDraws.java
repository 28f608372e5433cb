package dev.clipkl.audit;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;

/**
 * Draws samples of (row, token): how many fall on each row is settled first, so that a row has to
 * be read once only and its cumulative law is needed once only.
 */
final class RowDraws {
  private static final RandomGeneratorFactory<RandomGenerator> GENERATORS =
      RandomGeneratorFactory.of("L64X128MixRandom");

  private final int[][] rowCounts;
  private final long[][] rowSeeds;
  private final double[] cumulative;
  private final int[] counts;

  /**
   * Settles how many samples fall on each row.
   *
   * @param startDistribution {@code [states]}, sums to 1
   */
  RowDraws(AuditSettings settings, long seed, double[] startDistribution, int actions) {
    RandomGenerator random = GENERATORS.create(seed);
    double[] cumulativeStart = new double[startDistribution.length];
    accumulate(startDistribution, cumulativeStart);
    int sizes = settings.sampleSizes().size();
    rowCounts = new int[sizes][startDistribution.length];
    rowSeeds = new long[sizes][startDistribution.length];
    for (int i = 0; i < sizes; i++) {
      for (int drawn = 0; drawn < settings.sampleSizes().get(i); drawn++) {
        rowCounts[i][draw(random, cumulativeStart)]++;
      }
      for (int row = 0; row < startDistribution.length; row++) {
        rowSeeds[i][row] = random.nextLong();
      }
    }
    cumulative = new double[actions];
    counts = new int[actions];
  }

  /**
   * Draws a row's tokens.
   *
   * @param law probabilities, {@code [actions]}
   * @return {@code [sample sizes]}
   */
  DrawnTokens[] tokens(int row, double[] law) {
    accumulate(law, cumulative);
    DrawnTokens[] drawn = new DrawnTokens[rowCounts.length];
    for (int i = 0; i < drawn.length; i++) {
      Arrays.fill(counts, 0);
      RandomGenerator random = GENERATORS.create(rowSeeds[i][row]);
      for (int left = rowCounts[i][row]; left > 0; left--) {
        counts[draw(random, cumulative)]++;
      }
      int[] tokens = IntStream.range(0, counts.length).filter(a -> counts[a] > 0).toArray();
      drawn[i] = new DrawnTokens(tokens, IntStream.of(tokens).map(a -> counts[a]).toArray());
    }
    return drawn;
  }

  private static void accumulate(double[] law, double[] cumulative) {
    double sum = 0.0;
    for (int a = 0; a < law.length; a++) {
      sum += law[a];
      cumulative[a] = sum;
    }
  }

  /** Inverts the cumulative law: the first entry above a uniform number below its last one. */
  private static int draw(RandomGenerator random, double[] cumulative) {
    double total = cumulative[cumulative.length - 1];
    // The product may round up to the total itself, beyond every entry.
    double uniform = Math.min(random.nextDouble() * total, Math.nextDown(total));
    int low = 0;
    int high = cumulative.length - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (cumulative[middle] > uniform) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
