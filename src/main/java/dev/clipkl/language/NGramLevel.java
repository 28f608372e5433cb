package dev.clipkl.language;

import java.util.Arrays;

/**
 * The n-grams of one order {@code n >= 2}: for every context seen, its followers and their counts.
 *
 * <p>A context of {@code n - 1} tokens is one long key, 21 bits per token, the latest token lowest.
 * Contexts are sorted by key and a context's followers by token.
 */
final class NGramLevel {
  /** Bits per token of a key; three tokens fit a positive long. */
  static final int TOKEN_BITS = 21;

  static final long TOKEN_MASK = (1L << TOKEN_BITS) - 1;

  private final long[] contexts;
  private final int[] offsets;
  private final int[] tokens;
  private final int[] counts;
  private final Discounts discounts;

  /** Per context: the sum of its followers' counts. */
  private final double[] totals;

  /** Per context: the mass {@code gamma} that its discounts leave to the lower order. */
  private final double[] backoffs;

  /**
   * @param contexts {@code [contexts]}, strictly increasing
   * @param offsets {@code [contexts + 1]}, where each context's followers begin
   * @param tokens {@code [n-grams]}
   * @param counts {@code [n-grams]}, each {@code >= 1}
   */
  NGramLevel(long[] contexts, int[] offsets, int[] tokens, int[] counts) {
    this.contexts = contexts;
    this.offsets = offsets;
    this.tokens = tokens;
    this.counts = counts;
    discounts = Discounts.estimate(counts);
    totals = new double[contexts.length];
    backoffs = new double[contexts.length];
    for (int context = 0; context < contexts.length; context++) {
      double total = 0;
      double discounted = 0;
      for (int i = offsets[context]; i < offsets[context + 1]; i++) {
        total += counts[i];
        discounted += discounts.of(counts[i]);
      }
      totals[context] = total;
      backoffs[context] = discounted / total;
    }
  }

  /** From sorted distinct n-gram keys and their counts. */
  static NGramLevel of(CountedKeys ngrams) {
    int size = ngrams.size();
    int distinct = 0;
    for (int i = 0; i < size; i++) {
      if (i == 0 || contextOf(ngrams.keys()[i]) != contextOf(ngrams.keys()[i - 1])) {
        distinct++;
      }
    }
    long[] contexts = new long[distinct];
    int[] offsets = new int[distinct + 1];
    int[] tokens = new int[size];
    int next = 0;
    for (int i = 0; i < size; i++) {
      long context = contextOf(ngrams.keys()[i]);
      if (next == 0 || contexts[next - 1] != context) {
        offsets[next] = i;
        contexts[next++] = context;
      }
      tokens[i] = (int) (ngrams.keys()[i] & TOKEN_MASK);
    }
    offsets[distinct] = size;
    return new NGramLevel(contexts, offsets, tokens, ngrams.counts());
  }

  private static long contextOf(long ngram) {
    return ngram >>> TOKEN_BITS;
  }

  /** The index of a context, or -1 if it was never seen. */
  int find(long context) {
    return Math.max(-1, Arrays.binarySearch(contexts, context));
  }

  /** {@code gamma(context)}, the mass left to the lower order; 1 for {@code context = -1}. */
  double backoff(int context) {
    return context < 0 ? 1 : backoffs[context];
  }

  /**
   * {@code max(0, c - D(c)) / total + gamma * lower}, the interpolated probability of a token.
   *
   * @param context an index from {@link #find}
   * @param lower the token's probability at the lower order
   */
  double interpolate(int context, int token, double lower) {
    if (context < 0) {
      return lower;
    }
    int at = Arrays.binarySearch(tokens, offsets[context], offsets[context + 1], token);
    double own = at < 0 ? 0 : counts[at] - discounts.of(counts[at]);
    return own / totals[context] + backoffs[context] * lower;
  }

  /**
   * Adds {@code weight max(0, c - D(c)) / total} of every follower of a context: its row without
   * the mass left to the lower order.
   *
   * @param context an index from {@link #find}, not -1
   * @param row {@code [vocabulary]}; added to
   */
  void addDiscounted(int context, double weight, double[] row) {
    double scale = weight / totals[context];
    for (int i = offsets[context]; i < offsets[context + 1]; i++) {
      row[tokens[i]] += scale * (counts[i] - discounts.of(counts[i]));
    }
  }

  /** The sum of a context's counts, an index from {@link #find}, not -1. */
  double total(int context) {
    return totals[context];
  }

  /** Whether a context, an index from {@link #find}, was seen with this follower. */
  boolean contains(int context, int token) {
    return context >= 0
        && Arrays.binarySearch(tokens, offsets[context], offsets[context + 1], token) >= 0;
  }

  /** The followers of a context, by token. */
  int[] followers(int context) {
    return context < 0
        ? new int[0]
        : Arrays.copyOfRange(tokens, offsets[context], offsets[context + 1]);
  }

  Discounts discounts() {
    return discounts;
  }

  // Read to be stored; the arrays are not copied and must not be changed.

  long[] contexts() {
    return contexts;
  }

  int[] offsets() {
    return offsets;
  }

  int[] tokens() {
    return tokens;
  }

  int[] counts() {
    return counts;
  }
}
