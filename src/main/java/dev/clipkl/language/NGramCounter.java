package dev.clipkl.language;

import static dev.clipkl.language.NGramLevel.TOKEN_BITS;
import static dev.clipkl.language.NGramLevel.TOKEN_MASK;

import dev.clipkl.failure.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/**
 * Collects token sequences and counts their n-grams.
 *
 * <p>Every text is preceded by one start marker (the id {@code vocabularySize}, which no text can
 * contain) and, where the vocabulary has an end-of-text token, followed by it.
 */
final class NGramCounter {
  private static final int MOST_TOKENS = Integer.MAX_VALUE - 16;

  private final int vocabularySize;
  private final OptionalInt endOfText;
  private int[] tokens = new int[1 << 16];
  private int length;
  private long predicted;

  NGramCounter(int vocabularySize, OptionalInt endOfText) {
    if (vocabularySize < 1 || vocabularySize >= TOKEN_MASK) {
      throw new InputException(
          "n-gram models hold vocabularies of 1 to %d tokens, got %d"
              .formatted(TOKEN_MASK - 1, vocabularySize));
    }
    this.vocabularySize = vocabularySize;
    this.endOfText = endOfText;
  }

  /** Adds one text; an empty one is passed over. */
  void add(int[] text) {
    if (text.length == 0) {
      return;
    }
    long needed = (long) length + text.length + 2;
    if (needed > MOST_TOKENS) {
      throw new InputException("the corpus has more than %d tokens".formatted(MOST_TOKENS));
    }
    if (needed > tokens.length) {
      tokens = Arrays.copyOf(tokens, (int) Math.min(MOST_TOKENS, Math.max(needed, 2L * length)));
    }
    tokens[length++] = vocabularySize;
    for (int token : text) {
      if (token < 0 || token >= vocabularySize) {
        throw new IllegalArgumentException(
            "token %d is outside a vocabulary of %d".formatted(token, vocabularySize));
      }
      tokens[length++] = token;
    }
    endOfText.ifPresent(end -> tokens[length++] = end);
    predicted += text.length + (endOfText.isPresent() ? 1 : 0);
  }

  /** Tokens counted so far, ends of text included and start markers not. */
  long tokens() {
    return predicted;
  }

  /**
   * The model of {@code order} (1 to 3). At the highest order, and for n-grams that begin with the
   * start marker, counts are occurrences; elsewhere they are the number of different tokens seen
   * before the n-gram.
   */
  NGramModel model(int order) {
    if (order < 1 || order > 3) {
      throw new InputException("the n-gram order must be 1, 2 or 3, got " + order);
    }
    if (predicted == 0) {
      throw new InputException("an n-gram model needs at least one token of text, got none");
    }
    List<NGramLevel> levels = new ArrayList<>();
    CountedKeys above = occurrences(order);
    for (int n = order; n >= 2; n--) {
      levels.addFirst(NGramLevel.of(above));
      above = continuations(above, n - 1);
    }
    int[] unigrams = new int[vocabularySize];
    for (int i = 0; i < above.size(); i++) {
      unigrams[(int) above.keys()[i]] = above.counts()[i];
    }
    return new NGramModel(vocabularySize, endOfText, unigrams, levels);
  }

  /** N-grams as they stand in the texts; shorter ones at a text's start are not among them. */
  private CountedKeys occurrences(int n) {
    long[] keys = new long[Math.toIntExact(predicted)];
    int count = 0;
    int seen = 0;
    long key = 0;
    for (int i = 0; i < length; i++) {
      boolean start = tokens[i] == vocabularySize;
      seen = start ? 1 : seen + 1;
      key = ((key << TOKEN_BITS) | tokens[i]) & mask(n);
      if (!start && seen >= n) {
        keys[count++] = key;
      }
    }
    return CountedKeys.count(keys, count);
  }

  /** The n-grams that end those one order above, counted once for each of them. */
  private CountedKeys continuations(CountedKeys above, int n) {
    int starts = n == 1 ? 0 : countOfTexts();
    long[] keys = new long[above.size() + starts];
    int count = 0;
    for (long key : above.keys()) {
      keys[count++] = key & mask(n);
    }
    // Nothing precedes a start marker, so its n-grams keep their occurrences.
    for (int i = 0; n > 1 && i + n <= length; i++) {
      if (tokens[i] == vocabularySize) {
        keys[count++] = startKey(i, n);
      }
    }
    return CountedKeys.count(keys, count);
  }

  private int countOfTexts() {
    int texts = 0;
    for (int i = 0; i < length; i++) {
      texts += tokens[i] == vocabularySize ? 1 : 0;
    }
    return texts;
  }

  private long startKey(int position, int n) {
    long key = 0;
    for (int i = position; i < position + n; i++) {
      key = (key << TOKEN_BITS) | tokens[i];
    }
    return key;
  }

  private static long mask(int n) {
    return n == 3 ? Long.MAX_VALUE : (1L << (n * TOKEN_BITS)) - 1;
  }
}
