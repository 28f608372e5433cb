package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NGramModelTest {
  private static final int A = 0;
  private static final int B = 1;
  private static final int C = 2;
  private static final int END = 3;

  /** Texts "a b" and "a c", each ended; worked out by hand. */
  private static NGramModel bigramsOfTwoTexts() {
    NGramCounter counter = new NGramCounter(4, OptionalInt.of(END));
    counter.add(new int[] {A, B});
    counter.add(new int[] {A, C});
    return counter.model(2);
  }

  @Test
  void probabilitiesAreThoseWorkedOutByHand() {
    NGramModel model = bigramsOfTwoTexts();
    // Tokens before: a {start}, b {a}, c {a}, end {b, c}. n1 = 3, n2 = 1, so D = 3/5 and the
    // uniform share is (4 * 3/5) / 5 / 4 = .12: p(a) = p(b) = p(c) = .2, p(end) = .4.
    // Bigrams: one twice, four once, D = 4/6; gamma(a) = 2/3, gamma(start) = 1/3.
    assertThat(model.probability(new int[] {A}, B)).isCloseTo(.3, within(1e-15));
    assertThat(model.probability(new int[] {A}, C)).isCloseTo(.3, within(1e-15));
    assertThat(model.probability(new int[] {A}, A)).isCloseTo(2 / 15., within(1e-15));
    assertThat(model.probability(new int[] {A}, END)).isCloseTo(4 / 15., within(1e-15));
    assertThat(model.probability(new int[] {}, A)).isCloseTo(2 / 3. + .2 / 3, within(1e-15));
    assertThat(model.probability(new int[] {A, B}, END)).isCloseTo(1 / 3. + .8 / 3, within(1e-15));
    assertThat(model.probability(new int[] {END}, A)).isCloseTo(.2, within(1e-15));
    assertThat(model.minProbability()).isCloseTo(.2 / 3, within(1e-15));
    double expected = Math.pow((2 / 3. + .2 / 3) * .3 * .6, -1 / 3.);
    assertThat(model.perplexity(List.of(new int[] {A, B}))).isCloseTo(expected, within(1e-12));
    assertThat(model.ngrams(1)).isEqualTo(4);
    assertThat(model.ngrams(2)).isEqualTo(5);
  }

  @Test
  void discountsAreChenAndGoodmans() {
    int[] counts = new int[20];
    Arrays.fill(counts, 0, 8, 1);
    Arrays.fill(counts, 8, 12, 2);
    Arrays.fill(counts, 12, 14, 3);
    counts[14] = 4;
    counts[15] = 9;
    Discounts discounts = Discounts.estimate(counts);
    assertThat(discounts.of(1)).isCloseTo(1 - 2 * .5 * 4 / 8, within(1e-15));
    assertThat(discounts.of(2)).isCloseTo(2 - 3 * .5 * 2 / 4, within(1e-15));
    assertThat(discounts.of(9)).isCloseTo(3 - 4 * .5 * 1 / 2, within(1e-15));
    assertThat(Discounts.estimate(new int[] {1, 1, 1})).isEqualTo(new Discounts(.5, .5, .5));
    assertThat(Discounts.estimate(new int[] {5})).isEqualTo(new Discounts(.5, .5, .5));
  }

  private static List<int[]> randomTexts(Random random, int vocabulary, int count) {
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] text = new int[1 + random.nextInt(6)];
      Arrays.setAll(text, j -> random.nextInt(1 + random.nextInt(vocabulary)));
      texts.add(text);
    }
    return texts;
  }

  @ParameterizedTest
  @CsvSource({"1, 11", "2, 12", "3, 13", "3, 14", "3, 15"})
  void everyProbabilityIsThatOfTheTextbookRecursion(int order, long seed) {
    int vocabulary = 6;
    List<int[]> texts = randomTexts(new Random(seed), vocabulary, 25);
    NGramCounter counter = new NGramCounter(vocabulary, OptionalInt.of(vocabulary - 1));
    texts.forEach(counter::add);
    NGramModel model = counter.model(order);
    Textbook textbook = new Textbook(texts, vocabulary, order);
    float[] row = new float[vocabulary];
    for (int[] context : contexts(vocabulary)) {
      model.logProbabilities(context, row);
      for (int token = 0; token < vocabulary; token++) {
        double expected = textbook.probability(context, token);
        assertThat(model.probability(context, token))
            .as("seed %d, context %s, token %d", seed, Arrays.toString(context), token)
            .isCloseTo(expected, within(1e-14));
        assertThat((double) row[token]).isCloseTo(Math.log(expected), within(1e-6));
      }
    }
  }

  private static List<int[]> contexts(int vocabulary) {
    List<int[]> contexts = new ArrayList<>();
    contexts.add(new int[0]);
    for (int u = 0; u < vocabulary; u++) {
      contexts.add(new int[] {u});
      for (int v = 0; v < vocabulary; v++) {
        contexts.add(new int[] {u, v});
        contexts.add(new int[] {5 - v, u, v});
      }
    }
    return contexts;
  }

  /** The definition, with sets and maps of lists. */
  private static final class Textbook {
    private final int vocabulary;
    private final int order;
    private final Map<Integer, Map<List<Integer>, Integer>> counts = new HashMap<>();

    Textbook(List<int[]> texts, int vocabulary, int order) {
      this.vocabulary = vocabulary;
      this.order = order;
      for (int n = 1; n <= order; n++) {
        Map<List<Integer>, Integer> occurrences = new HashMap<>();
        Map<List<Integer>, Set<Integer>> before = new HashMap<>();
        for (int[] text : texts) {
          List<Integer> tokens = new ArrayList<>();
          tokens.add(-1);
          for (int token : text) {
            tokens.add(token);
          }
          tokens.add(vocabulary - 1);
          for (int end = n; end <= tokens.size(); end++) {
            List<Integer> ngram = List.copyOf(tokens.subList(end - n, end));
            if (ngram.getLast() == -1) {
              continue;
            }
            occurrences.merge(ngram, 1, Integer::sum);
            if (end > n) {
              before.computeIfAbsent(ngram, key -> new HashSet<>()).add(tokens.get(end - n - 1));
            }
          }
        }
        if (n < order) {
          int length = n;
          occurrences.replaceAll((ngram, count) ->
              ngram.getFirst() == -1 && length > 1
                  ? count
                  : before.getOrDefault(ngram, Set.of()).size());
        }
        counts.put(n, occurrences);
      }
    }

    double probability(int[] context, int token) {
      List<Integer> history = new ArrayList<>();
      history.add(-1);
      for (int t : context) {
        history.add(t);
      }
      int keep = Math.min(order - 1, history.size());
      return at(history.subList(history.size() - keep, history.size()), token);
    }

    private double at(List<Integer> context, int token) {
      int n = context.size() + 1;
      double lower = n == 1 ? 1.0 / vocabulary : at(context.subList(1, context.size()), token);
      Map<List<Integer>, Integer> all = counts.getOrDefault(n, Map.of());
      Discounts discounts =
          Discounts.estimate(all.values().stream().mapToInt(Integer::intValue).toArray());
      double total = 0;
      double discounted = 0;
      double own = 0;
      for (int w = 0; w < vocabulary; w++) {
        List<Integer> ngram = new ArrayList<>(context);
        ngram.add(w);
        int count = all.getOrDefault(ngram, 0);
        if (count > 0) {
          total += count;
          discounted += discounts.of(count);
          own = w == token ? count - discounts.of(count) : own;
        }
      }
      return total == 0 ? lower : own / total + discounted / total * lower;
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23})
  void rowsSumToOneAndNothingIsBelowTheMinimum(long seed) {
    Random random = new Random(seed);
    int vocabulary = 2_000;
    NGramCounter counter = new NGramCounter(vocabulary, OptionalInt.empty());
    List<int[]> texts = randomTexts(random, 500, 3_000);
    texts.forEach(counter::add);
    NGramModel model = counter.model(3);
    double smallest = 1;
    float[] row = new float[vocabulary];
    for (int[] text : texts.subList(0, 300)) {
      model.logProbabilities(text, row);
      double sum = 0;
      for (float logProbability : row) {
        sum += Math.exp(logProbability);
        smallest = Math.min(smallest, Math.exp(logProbability));
      }
      assertThat(sum).as("seed %d", seed).isCloseTo(1, within(1e-6));
    }
    assertThat(model.minProbability()).isPositive().isLessThanOrEqualTo(smallest * (1 + 1e-5));
  }

  @Test
  void oneTokenOfTextIsEnough() {
    NGramCounter counter = new NGramCounter(3, OptionalInt.empty());
    counter.add(new int[] {2});
    for (int order = 1; order <= 3; order++) {
      NGramModel model = counter.model(order);
      assertThat(model.probability(new int[] {}, 2)).isGreaterThan(.5);
      assertThat(model.minProbability()).isPositive();
    }
  }

  @Test
  void wrongSizesAndOrdersAreRefused() {
    NGramModel model = bigramsOfTwoTexts();
    assertThatThrownBy(() -> model.logProbabilities(new int[] {}, new float[3]))
        .hasMessageContaining("must have at least 4 entries, got 3");
    assertThatThrownBy(() -> model.logProbabilities(new int[] {4}, new float[4]))
        .hasMessageContaining("token 4 is outside a vocabulary of 4");
    NGramCounter counter = new NGramCounter(4, OptionalInt.empty());
    assertThatThrownBy(() -> counter.add(new int[] {4})).hasMessageContaining("token 4");
    assertThatThrownBy(() -> counter.model(2))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("at least one token");
    counter.add(new int[] {1});
    assertThatThrownBy(() -> counter.model(4)).hasMessageContaining("must be 1, 2 or 3, got 4");
    assertThatThrownBy(() -> new NGramCounter(1 << 21, OptionalInt.empty()))
        .isInstanceOf(InputException.class);
  }
}
