package dev.clipkl.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.sampling.TextSampling.PolicyTexts;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextSamplingTest {
  private static final int TOKENS = 40;
  private static final int END = TOKENS - 1;
  private static final int[] CLASS_OF = {0, 1, 2, 3, 4, 5};
  private static final double[] WEIGHTS = {1, 2, 3, 0, 1, 1};

  private static TokenMdp mdp() {
    return TextFixture.mdp(6, TOKENS, OptionalInt.empty());
  }

  private static PolicyTexts texts(
      TokenMdp mdp, RowTable logits, SamplingSettings settings, int threads) {
    try (RowThreads pool = new RowThreads(threads)) {
      return TextSampling.drawn(mdp, CLASS_OF, WEIGHTS, settings).texts(logits, pool);
    }
  }

  private static Stream<TextAverage> all(TextAverages averages) {
    return Stream.of(
        averages.tokens(),
        averages.reward(),
        averages.discountedReward(),
        averages.klPerText(),
        averages.klPerToken(),
        averages.ended());
  }

  @ParameterizedTest
  @ValueSource(doubles = {1.0, 0.8})
  void averagesAreWithinTheirIntervals(double topP) {
    TokenMdp mdp = mdp();
    SamplingSettings settings = new SamplingSettings(20_000, 5, 1.0, topP, 30);
    PolicyTexts drawn = texts(mdp, TextFixture.policy(mdp, 8), settings, 2);
    all(drawn.averages())
        .forEach(average -> {
          assertThat(average.covers()).as("%s, seed 5", average).isTrue();
          assertThat(average.high() - average.low())
              .as("an interval that tells something: %s", average)
              .isBetween(1e-6, 0.1 * Math.abs(average.exact()));
        });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void intervalsCoverAboutAsOftenAsTheySay(boolean horizon) {
    TokenMdp mdp = TextFixture.mdp(6, TOKENS, horizon ? OptionalInt.of(30) : OptionalInt.empty());
    RowTable policy = TextFixture.policy(mdp, 8);
    int[] missed = new int[6];
    int repetitions = 200;
    for (int seed = 0; seed < repetitions; seed++) {
      List<TextAverage> averages =
          all(texts(mdp, policy, new SamplingSettings(200, seed, 1.0, 1.0, 30), 2).averages())
              .toList();
      for (int i = 0; i < missed.length; i++) {
        missed[i] += averages.get(i).covers() ? 0 : 1;
      }
    }
    // 10 are expected; 3.1 is a standard deviation.
    assertThat(Arrays.stream(missed).boxed())
        .as("of %d", repetitions)
        .allSatisfy(m -> assertThat(m).isBetween(2, 22));
  }

  @Test
  void textsOfAnotherPolicyFallOutside() {
    TokenMdp mdp = mdp();
    SamplingSettings settings = new SamplingSettings(20_000, 5, 1.0, 1.0, 30);
    SampledTexts others = texts(mdp, TextFixture.policy(mdp, 9), settings, 2).texts();
    TextAverages averages =
        TextFixture.withThreads(threads -> {
          SampledPolicy policy =
              SampledPolicy.of(mdp, TextFixture.policy(mdp, 8), settings, threads);
          double[] start = TextStarts.drawn(settings, WEIGHTS).classes(CLASS_OF, 6);
          return TextAverages.of(policy, start, others);
        });
    assertThat(all(averages).map(TextAverage::covers)).containsOnly(false);
  }

  @Test
  void truncationIsPartOfTheExactExpectation() {
    TokenMdp mdp = mdp();
    RowTable policy = TextFixture.policy(mdp, 8);
    TextAverages brief =
        texts(mdp, policy, new SamplingSettings(5000, 2, 1.0, 1.0, 3), 2).averages();
    assertThat(brief.tokens().covers()).isTrue();
    assertThat(brief.tokens().exact()).isLessThan(3.0);
    assertThat(brief.ended().covers()).isTrue();
    assertThat(brief.ended().exact()).isLessThan(0.2);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void sameSeedGivesTheSameTextsForAnyNumberOfThreads(int threads) {
    TokenMdp mdp = mdp();
    RowTable policy = TextFixture.policy(mdp, 8);
    SamplingSettings settings = new SamplingSettings(300, 7, 0.9, 0.95, 20);
    SampledTexts first = texts(mdp, policy, settings, 2).texts();
    SampledTexts again = texts(mdp, policy, settings, threads).texts();
    assertThat(again.tokens()).isDeepEqualTo(first.tokens());
    assertThat(again.rewards()).isEqualTo(first.rewards());
    assertThat(again.logRatios()).isEqualTo(first.logRatios());
    SamplingSettings fewer = new SamplingSettings(20, 7, 0.9, 0.95, 20);
    assertThat(texts(mdp, policy, fewer, threads).texts().tokens())
        .as("the first of many are the first of few")
        .isDeepEqualTo(Arrays.copyOf(first.tokens(), 20));
    SamplingSettings other = new SamplingSettings(300, 8, 0.9, 0.95, 20);
    assertThat(texts(mdp, policy, other, threads).texts().tokens()).isNotEqualTo(first.tokens());
  }

  @Test
  void policiesThatDifferLittleDrawMostlyTheSameTexts() {
    TokenMdp mdp = mdp();
    RowTable policy = TextFixture.policy(mdp, 8);
    RowTable near = TextFixture.policy(mdp, 8);
    double[] row = new double[TOKENS];
    for (int s = 0; s < mdp.states(); s++) {
      near.readRow(s, row);
      row[3] += 0.05;
      near.writeRow(s, row);
    }
    SamplingSettings settings = new SamplingSettings(500, 7, 1.0, 1.0, 5);
    int[][] first = texts(mdp, policy, settings, 2).texts().tokens();
    int[][] second = texts(mdp, near, settings, 2).texts().tokens();
    long same = 0;
    for (int i = 0; i < first.length; i++) {
      same += Arrays.equals(first[i], second[i]) ? 1 : 0;
    }
    assertThat(same).isBetween(400L, 499L);
  }

  @Test
  void nothingFollowsTheEndOfText() {
    TokenMdp mdp = mdp();
    SamplingSettings settings = new SamplingSettings(500, 7, 1.0, 1.0, 12);
    SampledTexts drawn = texts(mdp, TextFixture.policy(mdp, 8), settings, 2).texts();
    for (int i = 0; i < drawn.size(); i++) {
      int[] tokens = drawn.tokens()[i];
      assertThat(tokens.length).isBetween(1, 12);
      assertThat(tokens[tokens.length - 1] == END).isEqualTo(drawn.ended()[i]);
      assertThat(Arrays.copyOf(tokens, tokens.length - 1)).doesNotContain(END);
      assertThat(drawn.ended()[i] || tokens.length == 12).isTrue();
    }
    assertThat(drawn.ended()).contains(true, false);
  }

  @Test
  void horizonRunHasALawForEveryPosition() {
    TokenMdp mdp = TextFixture.mdp(6, TOKENS, OptionalInt.of(5));
    RowTable policy = TextFixture.policy(mdp, 8);
    // Whatever the class, the third token is token 7.
    double[] row = new double[TOKENS];
    row[7] = 50.0;
    for (int c = 0; c < 6; c++) {
      policy.writeRow(2 * 6 + c, row);
    }
    SamplingSettings settings = new SamplingSettings(3000, 7, 1.0, 1.0, 5);
    PolicyTexts drawn = texts(mdp, policy, settings, 2);
    assertThat(Arrays.stream(drawn.texts().tokens()).filter(text -> text.length > 2))
        .hasSizeGreaterThan(1000)
        .allSatisfy(text -> assertThat(text[2]).isEqualTo(7));
    SamplingSettings longer = new SamplingSettings(3, 7, 1.0, 1.0, 6);
    assertThatThrownBy(() -> texts(mdp, policy, longer, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("beyond the horizon 5");
  }

  @Test
  void referenceIsAtNoDistanceFromItself() {
    TokenMdp mdp = mdp();
    SamplingSettings settings = new SamplingSettings(100, 7, 1.0, 1.0, 12);
    TextAverages averages = texts(mdp, mdp.reference(), settings, 2).averages();
    assertThat(averages.klPerText().exact()).isZero();
    assertThat(averages.klPerText().sampled()).isZero();
    assertThat(averages.klPerText().covers()).isTrue();
  }

  @Test
  void promptsTakeTurnsWhereTheyAreGiven() {
    TokenMdp mdp = mdp();
    TextSampling sampling =
        TextSampling.inTurn(mdp, new int[] {4, 2}, new SamplingSettings(5, 1, 1.0, 1.0, 9));
    assertThat(IntStream.range(0, 5).map(sampling::prompt)).containsExactly(0, 1, 0, 1, 0);
  }

  @Test
  void ofPromptsEachIsDrawnByItsWeight() {
    SamplingSettings settings = new SamplingSettings(8000, 1, 1.0, 1.0, 9);
    TextSampling sampling = TextSampling.drawn(mdp(), CLASS_OF, WEIGHTS, settings);
    int[] drawn = new int[6];
    for (int i = 0; i < 8000; i++) {
      drawn[sampling.prompt(i)]++;
    }
    for (int prompt = 0; prompt < 6; prompt++) {
      assertThat((double) drawn[prompt]).isCloseTo(1000 * WEIGHTS[prompt], within(150.0));
    }
  }
}
