package dev.clipkl.inspect;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.inspect.TokenChanges.Change;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TokenChangesTest {
  private static double[] logs(double... probabilities) {
    return Arrays.stream(probabilities).map(Math::log).toArray();
  }

  @Test
  void largestGainsAndLossesComeFirst() {
    TokenChanges changes =
        TokenChanges.between(logs(0.4, 0.3, 0.2, 0.1), logs(0.1, 0.25, 0.2, 0.45), 2);
    assertThat(changes.gained()).extracting(Change::token).containsExactly(3);
    assertThat(changes.lost()).extracting(Change::token).containsExactly(0, 1);
    assertThat(changes.gained().getFirst().difference()).isCloseTo(0.35, within(1e-15));
    assertThat(changes.totalVariation()).isCloseTo(0.35, within(1e-15));
  }

  @Test
  void ofEqualChangesTheLowerTokenIsKept() {
    TokenChanges changes =
        TokenChanges.between(logs(0.1, 0.1, 0.1, 0.7), logs(0.2, 0.2, 0.2, 0.4), 2);
    assertThat(changes.gained()).extracting(Change::token).containsExactly(0, 1);
  }

  @Test
  void areThoseOfAWholeSort() {
    Random random = new Random(7L);
    double[] before = new double[500];
    double[] after = new double[500];
    for (int a = 0; a < before.length; a++) {
      before[a] = Math.log(random.nextDouble());
      after[a] = Math.log(random.nextDouble());
    }
    int[] byGain =
        IntStream.range(0, before.length)
            .boxed()
            .sorted((a, b) ->
                Double.compare(
                    Math.exp(after[b]) - Math.exp(before[b]),
                    Math.exp(after[a]) - Math.exp(before[a])))
            .mapToInt(Integer::intValue)
            .toArray();
    TokenChanges changes = TokenChanges.between(before, after, 20);
    assertThat(changes.gained().stream().mapToInt(Change::token).toArray())
        .containsExactly(Arrays.copyOf(byGain, 20));
    assertThat(changes.lost().stream().mapToInt(Change::token).toArray())
        .containsExactly(IntStream.range(0, 20).map(i -> byGain[byGain.length - 1 - i]).toArray());
  }

  @Test
  void equalPoliciesHaveNoChange() {
    TokenChanges changes = TokenChanges.between(logs(0.5, 0.5), logs(0.5, 0.5), 3);
    assertThat(changes.gained()).isEmpty();
    assertThat(changes.lost()).isEmpty();
    assertThat(changes.totalVariation()).isZero();
  }

  @Test
  void rowsOfDifferentLengthsAreRefused() {
    assertThatThrownBy(() -> TokenChanges.between(logs(1), logs(0.5, 0.5), 1))
        .hasMessage("rows of 1 and 2 tokens");
  }
}
