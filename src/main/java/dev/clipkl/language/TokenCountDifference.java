package dev.clipkl.language;

import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A pair's sparse feature vector {@code x = counts(chosen) - counts(rejected)} over token ids, with
 * the zeros left out.
 */
final class TokenCountDifference {
  private final int[] tokens;
  private final double[] differences;

  private TokenCountDifference(SortedMap<Integer, Integer> counts) {
    tokens = counts.keySet().stream().mapToInt(Integer::intValue).toArray();
    differences = counts.values().stream().mapToDouble(Integer::doubleValue).toArray();
  }

  static TokenCountDifference of(PreferencePair pair, Tokenizer tokenizer) {
    SortedMap<Integer, Integer> counts = new TreeMap<>();
    for (int token : completionTokens(pair.prompt(), pair.chosen(), tokenizer)) {
      counts.merge(token, 1, Integer::sum);
    }
    for (int token : completionTokens(pair.prompt(), pair.rejected(), tokenizer)) {
      counts.merge(token, -1, Integer::sum);
    }
    counts.values().removeIf(count -> count == 0);
    return new TokenCountDifference(counts);
  }

  static List<TokenCountDifference> of(List<PreferencePair> pairs, Tokenizer tokenizer) {
    return pairs.stream().map(pair -> of(pair, tokenizer)).toList();
  }

  /**
   * The tokens that {@code completion} adds after {@code prompt}: those of the joined text beyond
   * what it shares with the prompt's own tokens. A space joins them where neither side has white
   * space, so that a completion {@code kind} counts as the token {@code ␣kind}.
   */
  static int[] completionTokens(String prompt, String completion, Tokenizer tokenizer) {
    boolean spaced =
        Character.isWhitespace(prompt.codePointBefore(prompt.length()))
            || Character.isWhitespace(completion.codePointAt(0));
    int[] before = tokenizer.encode(prompt);
    int[] joined = tokenizer.encode(prompt + (spaced ? "" : " ") + completion);
    int shared = Arrays.mismatch(before, joined);
    return Arrays.copyOfRange(joined, shared < 0 ? joined.length : shared, joined.length);
  }

  /** {@code w . x}. */
  double margin(double[] weights) {
    double sum = 0;
    for (int i = 0; i < tokens.length; i++) {
      sum += weights[tokens[i]] * differences[i];
    }
    return sum;
  }

  /** {@code destination += factor x}. */
  void addTo(double[] destination, double factor) {
    for (int i = 0; i < tokens.length; i++) {
      destination[tokens[i]] += factor * differences[i];
    }
  }

  int size() {
    return tokens.length;
  }

  int token(int i) {
    return tokens[i];
  }

  double difference(int i) {
    return differences[i];
  }
}
