package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ContextClassesTest {
  private static final Tokenizer TOKENIZER = Tokenizers.open("r50k_base");
  private static final int END = TOKENIZER.endOfText().orElseThrow();

  /** All shapes, rare words and frequent ones; words that begin and words that end a text. */
  private static final List<int[]> TEXTS =
      List.of(
              "the cat sat on the mat, and the dog sat on the cat.",
              "In 1987 the unforgettable Zanzibar wagtails sat on a mat; 12 of them sang.",
              "a cat and a dog: the dog was kinder than the cat",
              "The mat was Mary's, said the dog; the cat sat on.")
          .stream()
          .map(TOKENIZER::encode)
          .toList();

  private static NGramModel model(int order) {
    NGramCounter counter = new NGramCounter(TOKENIZER.vocabularySize(), TOKENIZER.endOfText());
    TEXTS.forEach(counter::add);
    return counter.model(order);
  }

  private static int token(String text) {
    int[] ids = TOKENIZER.encode(text);
    assertThat(ids).as(text).hasSize(1);
    return ids[0];
  }

  /** How often each token stands in the texts, each of which is followed by something. */
  private static long[] occurrences() {
    long[] times = new long[TOKENIZER.vocabularySize()];
    TEXTS.forEach(text -> Arrays.stream(text).forEach(token -> times[token]++));
    return times;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void rowsAreTheBigramRowsMixedByFrequency(int order) {
    NGramModel model = model(order);
    ContextClasses classes = ContextClasses.of(model, TOKENIZER, 12);
    int vocabulary = TOKENIZER.vocabularySize();
    double[][] naive = new double[12][vocabulary];
    double[] totals = new double[12];
    long[] occurrences = occurrences();
    // After a token that no text has, a trigram model knows no more than the last token.
    int unseen = token(" quantum");
    for (int t = 0; t < vocabulary; t++) {
      if (occurrences[t] > 0) {
        int c = classes.groups().group(t);
        totals[c] += occurrences[t];
        for (int w = 0; w < vocabulary; w++) {
          naive[c][w] += occurrences[t] * model.probability(new int[] {unseen, t}, w);
        }
      }
    }
    try (Arena arena = Arena.ofConfined()) {
      RowTable rows = RowTable.allocate(arena, 12, vocabulary);
      classes.fillRows(rows);
      double[] row = new double[vocabulary];
      for (int c = 0; c < 12; c++) {
        rows.readRow(c, row);
        double sum = 0.0;
        for (int w = 0; w < vocabulary; w++) {
          assertThat(Math.exp(row[w]))
              .as("class %s, token %d", classes.name(c), w)
              .isCloseTo(naive[c][w] / totals[c], within(3e-6 * naive[c][w] / totals[c]))
              .isPositive();
          sum += Math.exp(row[w]);
        }
        assertThat(sum).as(classes.name(c)).isCloseTo(1.0, within(1e-6));
      }
    }
  }

  @Test
  void rowsDoNotTakeATokenForTheTextsFirst() {
    NGramModel model = model(3);
    float[] afterFirst = new float[TOKENIZER.vocabularySize()];
    float[] anywhere = new float[TOKENIZER.vocabularySize()];
    int the = token("the");
    int space = token(" the");
    model.logProbabilities(new int[] {the}, afterFirst);
    model.logProbabilitiesAfter(the, anywhere);
    // "the" stands nowhere but at a text's start, where " cat" follows it.
    assertThat(afterFirst[token(" cat")]).isGreaterThan(anywhere[token(" cat")]);
    model.logProbabilities(new int[] {space}, afterFirst);
    model.logProbabilitiesAfter(space, anywhere);
    assertThat(afterFirst).isEqualTo(anywhere);
  }

  @Test
  void classWhoseTokensTheCorpusLacksHasTheUnigramRow() {
    NGramCounter counter = new NGramCounter(TOKENIZER.vocabularySize(), TOKENIZER.endOfText());
    counter.add(TOKENIZER.encode(" the cat sat on the cat"));
    NGramModel model = counter.model(3);
    ContextClasses classes = ContextClasses.of(model, TOKENIZER, 6);
    float[] row = new float[TOKENIZER.vocabularySize()];
    classes.computedRows().readRow(classes.groups().group(token("7")), row);
    int unseen = token(" quantum");
    for (int w : new int[] {token(" the"), token(" cat"), unseen, END}) {
      // Neither the last token nor the one before it is in the corpus.
      double unigram = model.probability(new int[] {unseen, unseen}, w);
      assertThat(Math.exp(row[w])).isCloseTo(unigram, within(2e-6 * unigram));
    }
  }

  @Test
  void everyTokenButTheEndHasOneClassAndNoClassIsEmpty() {
    ContextClasses classes = ContextClasses.of(model(3), TOKENIZER, 15);
    ColumnGroups groups = classes.groups();
    assertThat(groups.groups()).isEqualTo(15);
    assertThat(groups.group(END)).isEqualTo(ColumnGroups.NONE);
    assertThat(Arrays.stream(groups.sizes()).sum()).isEqualTo(TOKENIZER.vocabularySize() - 1);
    assertThat(groups.sizes()).doesNotContain(0);
    assertThat(Arrays.stream(groups.sizes()).limit(10)).containsOnly(1);
  }

  @Test
  void frequentTokensHaveTheirOwnClassAndRareOnesThatOfTheirShape() {
    ContextClasses classes = ContextClasses.of(model(3), TOKENIZER, 9);
    ColumnGroups groups = classes.groups();
    // " the" stands 7 times, " cat", " sat" and " on" 4 times or more; nothing else does.
    assertThat(groups.group(token(" the"))).isZero();
    List<String> names = classes.names();
    assertThat(names).hasSize(9).doesNotHaveDuplicates().startsWith("␣the");
    List<String> shapes = new ArrayList<>();
    for (String text : new String[] {" Paris", " quantum", "ing", " 12", "7", ";", "\n", " ("}) {
      shapes.add(names.get(groups.group(token(text))));
    }
    assertThat(shapes)
        .containsExactly(
            "(begins a capitalised word)",
            "(begins a word)",
            "(continues a word)",
            "(a number)",
            "(a number)",
            "(punctuation and other)",
            "(punctuation and other)",
            "(punctuation and other)");
    assertThat(classes.description())
        .startsWith(
            "9 context classes: a text's last token, where it is one of the 4 most frequent")
        .contains("begins a word")
        .doesNotContain("\n");
  }

  @Test
  void sameCorpusGivesTheSameClassesAndBits() {
    ContextClasses first = ContextClasses.of(model(3), TOKENIZER, 20);
    ContextClasses second = ContextClasses.of(model(3), TOKENIZER, 20);
    assertThat(second.names()).isEqualTo(first.names());
    float[] row = new float[TOKENIZER.vocabularySize()];
    float[] again = new float[TOKENIZER.vocabularySize()];
    for (int c = 0; c < 20; c++) {
      first.computedRows().readRow(c, row);
      second.computedRows().readRow(c, again);
      assertThat(again).isEqualTo(row);
    }
  }

  @ParameterizedTest
  @CsvSource({"4, at least 5", "1000, at most"})
  void numberOfClassesThatCannotBeMadeIsRefused(int asked, String limit) {
    NGramModel model = model(3);
    assertThatThrownBy(() -> ContextClasses.of(model, TOKENIZER, asked))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("problem.classes must be " + limit)
        .hasMessageContaining("got " + asked);
  }

  @Test
  void mostClassesGiveEveryTokenOfTheCorpusItsOwn() {
    NGramModel model = model(3);
    int seen = (int) Arrays.stream(occurrences()).filter(times -> times > 0).count();
    ContextClasses classes = ContextClasses.of(model, TOKENIZER, seen + 5);
    assertThat(IntStream.range(0, seen + 5).filter(c -> classes.groups().sizes()[c] == 1).count())
        .isEqualTo(seen);
    assertThatThrownBy(() -> ContextClasses.of(model, TOKENIZER, seen + 6))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("at most " + (seen + 5));
  }
}
