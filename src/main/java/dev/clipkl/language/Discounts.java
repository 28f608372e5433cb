package dev.clipkl.language;

/**
 * The three absolute discounts of modified Kneser-Ney smoothing, for n-grams counted once, twice,
 * and three times or more; nats play no part, these are counts.
 */
record Discounts(double one, double two, double threeOrMore) {
  /**
   * Estimates discounts from the counts of counts {@code n_k} (how many n-grams were counted k
   * times): {@code Y = n1/(n1 + 2 n2)}, {@code D_k = k - (k+1) Y n_(k+1)/n_k} (Chen and Goodman
   * 1999, equation 26).
   *
   * <p>Where a {@code D_k} can't be had or leaves {@code (0, k)}, one discount {@code Y} serves all
   * counts (Ney, Essen and Kneser 1994); where {@code Y} isn't in {@code (0, 1)} either, 1/2 does.
   *
   * @param counts the counts, each {@code >= 0}; zeros are passed over
   */
  static Discounts estimate(int[] counts) {
    long[] n = new long[5];
    for (int count : counts) {
      if (count >= 1 && count <= 4) {
        n[count]++;
      }
    }
    double y = n[1] / (n[1] + 2.0 * n[2]);
    double one = 1 - 2 * y * n[2] / n[1];
    double two = 2 - 3 * y * n[3] / n[2];
    double three = 3 - 4 * y * n[4] / n[3];
    if (one > 0 && one < 1 && two > 0 && two < 2 && three > 0 && three < 3) {
      return new Discounts(one, two, three);
    }
    double single = y > 0 && y < 1 ? y : 0.5;
    return new Discounts(single, single, single);
  }

  /** The discount of an n-gram counted {@code count >= 1} times; less than the count. */
  double of(int count) {
    return count == 1 ? one : count == 2 ? two : threeOrMore;
  }
}
