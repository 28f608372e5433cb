package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BradleyTerryTest {
  private static final Tokenizer TOKENIZER = Tokenizers.open("r50k_base");
  private static final List<String> GOOD = List.of("kind", "calm", "helpful", "fair", "warm");
  private static final List<String> BAD = List.of("rude", "cruel", "useless", "cold", "mean");

  private static List<PreferencePair> pairs(long seed) {
    Random random = new Random(seed);
    List<PreferencePair> pairs = new ArrayList<>();
    for (int i = 0; i < 120; i++) {
      String good = "very " + GOOD.get(random.nextInt(5)) + ", " + GOOD.get(random.nextInt(5));
      String bad = "very " + BAD.get(random.nextInt(5)) + ", " + GOOD.get(random.nextInt(5));
      boolean noise = random.nextInt(10) == 0;
      pairs.add(new PreferencePair("Case " + i + " is", noise ? bad : good, noise ? good : bad));
    }
    return pairs;
  }

  private static int token(String text) {
    int[] ids = TOKENIZER.encode(text);
    assertThat(ids).as(text).hasSize(1);
    return ids[0];
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.01, 0.3, 1, 30})
  void theGradientVanishesAtTheSolution(double l2) {
    PreferenceFit fit = BradleyTerry.fit(pairs(7), TOKENIZER, OptionalDouble.of(l2), 1e-7);
    assertThat(fit.gradientNorm()).isLessThanOrEqualTo(1e-7);
    // The same by finite differences of the written-out loss, in one direction per token.
    var training = TokenCountDifference.of(PreferenceSplit.of(pairs(7)).training(), TOKENIZER);
    for (String word : List.of(" kind", " rude", " very")) {
      double slope =
          (loss(training, fit.weights(), l2, token(word), 1e-4)
                  - loss(training, fit.weights(), l2, token(word), -1e-4))
              / 2e-4;
      assertThat(slope).as(word).isCloseTo(0, within(1e-5));
    }
  }

  private static double loss(
      List<TokenCountDifference> pairs, double[] weights, double l2, int token, double change) {
    double[] moved = weights.clone();
    moved[token] += change;
    double squares = 0;
    for (double weight : moved) {
      squares += weight * weight;
    }
    return l2 / 2 * squares + pairs.size() * LogisticObjective.logLoss(pairs, moved);
  }

  @Test
  void onePairHasTheSolutionOfItsOneDimensionalEquation() {
    var pair = TokenCountDifference.of(new PreferencePair("It is", "kind", "rude"), TOKENIZER);
    double[] weights = BradleyTerry.solve(List.of(pair), TOKENIZER.vocabularySize(), 0.5, 1e-10);
    double w = weights[token(" kind")];
    assertThat(weights[token(" rude")]).isCloseTo(-w, within(1e-10));
    assertThat(0.5 * w).isCloseTo(1 / (1 + Math.exp(2 * w)), within(1e-10));
    assertThat(w).isPositive();
  }

  @Test
  void preferredTokensGetHigherRewardsAndUnseenOnesTheirPlace() {
    PreferenceFit fit =
        BradleyTerry.fit(
            pairs(7), TOKENIZER, OptionalDouble.empty(), BradleyTerry.DEFAULT_TOLERANCE);
    float[] rewards = fit.rewards(2.0);
    assertThat(rewards).hasSize(TOKENIZER.vocabularySize());
    assertThat(rewards[token(" kind")]).isGreaterThan(rewards[token(" rude")] + 0.3f);
    assertThat(rewards[token(" table")]).isEqualTo((float) fit.unseenReward(2.0));
    assertThat(fit.unseenReward(2.0)).isStrictlyBetween(0.1, 1.9);
    float low = Float.MAX_VALUE;
    float high = 0;
    for (float reward : rewards) {
      low = Math.min(low, reward);
      high = Math.max(high, reward);
    }
    assertThat(low).isZero();
    assertThat(high).isEqualTo(2.0f);
    assertThat(fit.heldOutAccuracy()).isGreaterThan(0.75);
    assertThat(fit.heldOutLogLoss()).isLessThan(Math.log(2));
    assertThat(fit.grid()).hasSize(BradleyTerry.L2_GRID.size());
    assertThat(fit.trainingPairs() + fit.heldOutPairs()).isEqualTo(120);
    assertThat(fit.heldOutPairs()).isEqualTo(24);
  }

  @Test
  void theOrderOfTheFileDoesNotMoveTheSplitAndTheSameInputGivesTheSameBits() {
    List<PreferencePair> shuffled = new ArrayList<>(pairs(7));
    Collections.shuffle(shuffled, new Random(3));
    assertThat(PreferenceSplit.of(shuffled).heldOut())
        .containsExactlyInAnyOrderElementsOf(PreferenceSplit.of(pairs(7)).heldOut());
    double[] once = fitted(pairs(7)).weights();
    double[] again = fitted(pairs(7)).weights();
    assertThat(again).containsExactly(once, within(0.0));
    assertThat(fitted(shuffled).weights()).containsExactly(once, within(1e-5));
  }

  private static PreferenceFit fitted(List<PreferencePair> pairs) {
    return BradleyTerry.fit(pairs, TOKENIZER, OptionalDouble.of(1), 1e-6);
  }

  @Test
  void strengthChosenAtAnEndOfTheGridIsReported() {
    var grid =
        BradleyTerry.L2_GRID.stream()
            .map(l2 -> new PreferenceFit.GridPoint(l2, Math.abs(l2 - 1)))
            .toList();
    assertThat(BradleyTerry.best(grid)).isEqualTo(1.0);
    for (double l2 : BradleyTerry.L2_GRID) {
      var fit = new PreferenceFit(new double[] {0, 1}, l2, 1e-6, grid, List.of(), List.of());
      assertThat(fit.isL2AtGridEnd()).as("l2 %s", l2).isEqualTo(l2 == 0.01 || l2 == 30);
    }
  }

  @Test
  void noPromptIsOnBothSidesOfTheSplit() {
    List<PreferencePair> pairs = new ArrayList<>(pairs(7));
    pairs.addAll(pairs(8));
    PreferenceSplit split = PreferenceSplit.of(pairs);
    var held = split.heldOut().stream().map(PreferencePair::prompt).toList();
    assertThat(split.training()).noneMatch(pair -> held.contains(pair.prompt()));
    assertThat(split.heldOut()).hasSize(48);
  }

  @Test
  void completionsAreEncodedAsTheyFollowThePrompt() {
    int kind = token(" kind");
    assertThat(TokenCountDifference.completionTokens("He is", "kind", TOKENIZER))
        .containsExactly(kind);
    assertThat(TokenCountDifference.completionTokens("He is", " kind", TOKENIZER))
        .containsExactly(kind);
    assertThat(TokenCountDifference.completionTokens("He is ", "kind", TOKENIZER))
        .containsExactly(kind);
    assertThat(TokenCountDifference.completionTokens("He is\n", "kind", TOKENIZER))
        .containsExactly(token("kind"));
  }

  @Test
  void unusableInputIsRefused() {
    List<PreferencePair> one = List.of(new PreferencePair("It is", "kind", "rude"));
    assertThatThrownBy(() -> fitted(one))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("at least 2 different prompts");
    List<PreferencePair> two =
        List.of(one.getFirst(), new PreferencePair("It was", "kind", "rude"));
    assertThat(fitted(two).heldOutAccuracy()).isEqualTo(1);
    assertThat(fitted(two).isL2AtGridEnd()).isFalse();
    assertThatThrownBy(() -> BradleyTerry.fit(two, TOKENIZER, OptionalDouble.empty(), 1e-6))
        .hasMessageContaining("at least 3 different prompts");
    assertThatThrownBy(() -> BradleyTerry.fit(two, TOKENIZER, OptionalDouble.of(0), 1e-6))
        .hasMessageContaining("l2 must be finite and > 0");
    assertThatThrownBy(() -> fitted(two).rewards(Double.NaN))
        .hasMessageContaining("r_max must be finite and > 0, got NaN");
    List<PreferencePair> same =
        List.of(
            new PreferencePair("It is", "kind and kind", "kind and  kind"),
            new PreferencePair("So", "a, b", "b, a"),
            new PreferencePair("To", "a b", "b a"));
    assertThatThrownBy(() -> fitted(List.of(same.get(1), same.get(2))))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("nothing can be learned");
  }
}
