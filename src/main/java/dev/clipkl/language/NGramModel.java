package dev.clipkl.language;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * An interpolated n-gram language model of order 1 to 3 with modified Kneser-Ney smoothing down to
 * a uniform floor, so that every token has a probability {@code > 0} in every context.
 *
 * <p>For a context {@code h}, its shortening {@code h'} by the earliest token, and counts {@code
 * c}:
 *
 * <pre>
 *   p(w | h) = max(0, c(h w) - D(c(h w))) / c(h .) + gamma(h) p(w | h')
 *   gamma(h) = (D_1 N_1(h) + D_2 N_2(h) + D_3+ N_3+(h)) / c(h .)
 *   p(w)     = max(0, c(w) - D(c(w))) / c(.) + gamma / vocabularySize
 * </pre>
 *
 * where {@code N_k(h)} is the number of tokens counted k times after {@code h}. At the highest
 * order {@code c} counts occurrences; below it counts the different tokens seen before the n-gram,
 * except for n-grams at a text's start, which keep occurrences. An unseen context has {@code gamma
 * = 1}. Source: Chen and Goodman, An empirical study of smoothing techniques for language modeling,
 * Computer Speech and Language 13 (1999), section 4; discounts as in {@link Discounts}.
 *
 * <p>All arithmetic is float64. Immutable and safe for use by several threads.
 */
public final class NGramModel {
  /** The highest order supported. */
  public static final int HIGHEST_ORDER = 3;

  private final int vocabularySize;
  private final OptionalInt endOfText;
  private final int[] unigramCounts;
  private final List<NGramLevel> levels;
  private final double[] unigram;
  private final double[] logUnigram;
  private final double smallestUnigram;

  /**
   * @param unigramCounts {@code [vocabularySize]}, with a sum {@code >= 1}
   * @param levels orders 2, 3, ... in this order
   */
  NGramModel(
      int vocabularySize, OptionalInt endOfText, int[] unigramCounts, List<NGramLevel> levels) {
    this.vocabularySize = vocabularySize;
    this.endOfText = endOfText;
    this.unigramCounts = unigramCounts;
    this.levels = List.copyOf(levels);
    unigram = unigram(unigramCounts);
    logUnigram = Arrays.stream(unigram).map(Math::log).toArray();
    smallestUnigram = Arrays.stream(unigram).min().orElseThrow();
  }

  private static double[] unigram(int[] counts) {
    Discounts discounts = Discounts.estimate(counts);
    double total = 0;
    double discounted = 0;
    for (int count : counts) {
      total += count;
      discounted += count == 0 ? 0 : discounts.of(count);
    }
    double floor = discounted / total / counts.length;
    double[] probabilities = new double[counts.length];
    for (int token = 0; token < counts.length; token++) {
      int count = counts[token];
      probabilities[token] = (count == 0 ? 0 : count - discounts.of(count)) / total + floor;
    }
    return probabilities;
  }

  /**
   * Writes the natural logarithms of all next-token probabilities into {@code row}.
   *
   * <p>Cost: one addition per token of the vocabulary and one logarithm per token seen after the
   * last token. The probabilities sum to 1 within 1e-6 after rounding to float32.
   *
   * @param text all tokens from the text's start (fewer than the order's context means: its start)
   * @param row its first {@code vocabularySize} entries: nats, finite
   * @throws IllegalArgumentException if the row is too short or a token is outside the vocabulary
   */
  public void logProbabilities(int[] text, float[] row) {
    requireLength(row);
    fill(contexts(text, text.length), row);
  }

  /**
   * The same after a token, wherever in a text it stands: {@code log p(w | token)} of order 2, or
   * of order 1 where the model has no other.
   *
   * @param row its first {@code vocabularySize} entries: nats, finite
   * @throws IllegalArgumentException if the row is too short or the token is outside the vocabulary
   */
  public void logProbabilitiesAfter(int token, float[] row) {
    requireLength(row);
    requireInside(token);
    fill(levels.isEmpty() ? new int[0] : new int[] {levels.getFirst().find(token)}, row);
  }

  /**
   * The same after one of several tokens, of which nothing is known but how often each was followed
   * by another one: {@code log sum_t c_t p(w | t) / sum_t c_t}, with c from {@link #timesFollowed}.
   * Where none of them ever was, {@code log p(w)}.
   *
   * <p>Cost: a term per n-gram of order 2 that begins with one of the tokens.
   *
   * @param tokens in any order, none twice
   * @param timesFollowed {@code [vocabularySize]}
   * @param row its first {@code vocabularySize} entries: nats, finite
   * @throws IllegalArgumentException if the row is too short or a token is outside the vocabulary
   */
  public void logProbabilitiesAfterAny(int[] tokens, long[] timesFollowed, float[] row) {
    requireLength(row);
    double total = 0;
    for (int token : tokens) {
      requireInside(token);
      total += timesFollowed[token];
    }
    if (total == 0 || levels.isEmpty()) {
      fill(new int[0], row);
      return;
    }
    NGramLevel bigrams = levels.getFirst();
    double[] discounted = new double[vocabularySize];
    double backoff = 0;
    for (int token : tokens) {
      if (timesFollowed[token] > 0) {
        int context = bigrams.find(token);
        double weight = timesFollowed[token] / total;
        bigrams.addDiscounted(context, weight, discounted);
        backoff += weight * bigrams.backoff(context);
      }
    }
    for (int token = 0; token < vocabularySize; token++) {
      row[token] = (float) Math.log(discounted[token] + backoff * unigram[token]);
    }
  }

  /**
   * How often each token of the corpus was followed by another one, or by a text's end where the
   * vocabulary has a token for it; {@code [vocabularySize]}.
   */
  public long[] timesFollowed() {
    long[] times = new long[vocabularySize];
    if (levels.isEmpty()) {
      for (int token = 0; token < vocabularySize; token++) {
        times[token] = unigramCounts[token];
      }
      return times;
    }
    // The highest order alone counts occurrences, and those at a text's start are among them.
    NGramLevel highest = levels.getLast();
    for (int context = 0; context < highest.contexts().length; context++) {
      int last = (int) (highest.contexts()[context] & NGramLevel.TOKEN_MASK);
      if (last < vocabularySize) {
        times[last] += (long) highest.total(context);
      }
    }
    return times;
  }

  private void requireLength(float[] row) {
    if (row.length < vocabularySize) {
      throw new IllegalArgumentException(
          "the row must have at least %d entries, got %d".formatted(vocabularySize, row.length));
    }
  }

  private void fill(int[] contexts, float[] row) {
    double logBackoff = 0;
    for (int i = 0; i < contexts.length; i++) {
      logBackoff += Math.log(levels.get(i).backoff(contexts[i]));
    }
    for (int token = 0; token < vocabularySize; token++) {
      row[token] = (float) (logBackoff + logUnigram[token]);
    }
    if (contexts.length > 0) {
      // A token seen after a longer context was also seen after the shorter one.
      for (int token : levels.getFirst().followers(contexts[0])) {
        row[token] = (float) Math.log(interpolated(contexts, token));
      }
    }
  }

  /**
   * The probability of {@code token} after {@code text}, the tokens from the text's start.
   *
   * @throws IllegalArgumentException if a token is outside the vocabulary
   */
  public double probability(int[] text, int token) {
    requireInside(token);
    return interpolated(contexts(text, text.length), token);
  }

  private double interpolated(int[] contexts, int token) {
    double probability = unigram[token];
    for (int i = 0; i < contexts.length; i++) {
      probability = levels.get(i).interpolate(contexts[i], token, probability);
    }
    return probability;
  }

  /** Per level from order 2 upwards: the index of the context after {@code text[0, length)}. */
  private int[] contexts(int[] text, int length) {
    // The start marker is one token, so a context can be one longer than the text.
    int[] found = new int[Math.min(levels.size(), length + 1)];
    for (int i = 0; i < found.length; i++) {
      long key = 0;
      for (int position = length - 1 - i; position < length; position++) {
        int token = position < 0 ? vocabularySize : text[position];
        if (position >= 0) {
          requireInside(token);
        }
        key = (key << NGramLevel.TOKEN_BITS) | token;
      }
      found[i] = levels.get(i).find(key);
    }
    return found;
  }

  private void requireInside(int token) {
    if (token < 0 || token >= vocabularySize) {
      throw new IllegalArgumentException(
          "token %d is outside a vocabulary of %d".formatted(token, vocabularySize));
    }
  }

  /**
   * The smallest probability of any token in any context: {@code min_h gamma(h) gamma(h') min_w
   * p(w)}. It is attained where some token never occurs in the corpus, as in every vocabulary with
   * holes, and a lower bound otherwise.
   */
  public double minProbability() {
    double smallestBackoff = 1;
    if (!levels.isEmpty()) {
      NGramLevel bigrams = levels.getFirst();
      for (int i = 0; i < bigrams.contexts().length; i++) {
        smallestBackoff = Math.min(smallestBackoff, bigrams.backoff(i));
      }
      for (NGramLevel trigrams : levels.subList(1, levels.size())) {
        for (int i = 0; i < trigrams.contexts().length; i++) {
          int shorter = bigrams.find(trigrams.contexts()[i] & NGramLevel.TOKEN_MASK);
          smallestBackoff =
              Math.min(smallestBackoff, trigrams.backoff(i) * bigrams.backoff(shorter));
        }
      }
    }
    return smallestBackoff * smallestUnigram;
  }

  /**
   * {@code exp} of the mean negative log-probability of every token of the texts, their ends
   * included where the vocabulary has an end-of-text token.
   *
   * @return NaN if the texts hold no token
   */
  public double perplexity(List<int[]> texts) {
    double sum = 0;
    long count = 0;
    for (int[] text : texts) {
      for (int length = 0; length < text.length; length++) {
        requireInside(text[length]);
        sum -= Math.log(interpolated(contexts(text, length), text[length]));
        count++;
      }
      if (endOfText.isPresent() && text.length > 0) {
        sum -= Math.log(interpolated(contexts(text, text.length), endOfText.getAsInt()));
        count++;
      }
    }
    return Math.exp(sum / count);
  }

  /** 1 (unigrams) to 3 (trigrams). */
  public int order() {
    return levels.size() + 1;
  }

  /** The columns of a row. */
  public int vocabularySize() {
    return vocabularySize;
  }

  /** The token that ends a text, where there is one. */
  public OptionalInt endOfText() {
    return endOfText;
  }

  /** The different n-grams seen of order {@code n}, 1 to {@link #order}. */
  public long ngrams(int n) {
    return n == 1
        ? Arrays.stream(unigramCounts).filter(count -> count > 0).count()
        : levels.get(n - 2).tokens().length;
  }

  int[] unigramCounts() {
    return unigramCounts;
  }

  List<NGramLevel> levels() {
    return levels;
  }
}
