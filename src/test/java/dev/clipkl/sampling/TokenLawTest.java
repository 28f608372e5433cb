package dev.clipkl.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenLawTest {
  private static SamplingSettings settings(double temperature, double topP) {
    return new SamplingSettings(1, 1, temperature, topP, 1);
  }

  /** More than two blocks, with ties: logits are multiples of a half. */
  private static double[] logits(int tokens) {
    Random random = new Random(3);
    return random.doubles(tokens).map(x -> Math.round(8.0 * x) / 2.0 - 300.0).toArray();
  }

  /** {@code p^(1/T)} normalised; then the most probable tokens, sorted, until top-p is reached. */
  private static double[] naive(double[] logits, double temperature, double topP) {
    double[] powers = Arrays.stream(logits).map(x -> Math.exp((x + 300.0) / temperature)).toArray();
    double total = Arrays.stream(powers).sum();
    int[] order =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer a) -> -powers[a]).thenComparing(a -> a))
            .mapToInt(a -> a)
            .toArray();
    double[] kept = new double[logits.length];
    double mass = 0.0;
    for (int i = 0; i < order.length && mass < topP; i++) {
      kept[order[i]] = powers[order[i]] / total;
      mass += kept[order[i]];
    }
    double sum = mass;
    return Arrays.stream(kept).map(p -> p / sum).toArray();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "0.5, 1", "3, 1", "1, 0.7", "1, 0.05", "1, 1e-9", "0.7, 0.9", "2, 0.999"})
  void lawIsThePowerOfThePolicyOnItsNucleus(double temperature, double topP) {
    double[] logits = logits(1300);
    double[] policy = new double[logits.length];
    TokenLaw law = TokenLaw.of(logits, settings(temperature, topP), policy);
    double[] expected = naive(logits, temperature, topP);
    for (int a = 0; a < logits.length; a++) {
      assertThat(policy[a]).as("token %d", a).isCloseTo(expected[a], within(1e-12));
      assertThat(policy[a] > 0.0).as("token %d is drawn", a).isEqualTo(expected[a] > 0.0);
      double logProbability = law.logProbability(a, logits[a]);
      if (policy[a] > 0.0) {
        assertThat(logProbability).isCloseTo(Math.log(expected[a]), within(1e-9));
      } else {
        assertThat(logProbability).isEqualTo(Double.NEGATIVE_INFINITY);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "0.6, 0.8"})
  void drawInvertsTheCumulativeLawInTokenOrder(double temperature, double topP) {
    double[] logits = logits(1300);
    double[] policy = new double[logits.length];
    TokenLaw law = TokenLaw.of(logits, settings(temperature, topP), policy);
    double below = 0.0;
    for (int a = 0; a < logits.length; a++) {
      if (policy[a] > 0.0) {
        assertThat(law.draw(below + 0.01 * policy[a], logits))
            .as("just above %s", below)
            .isEqualTo(a);
        assertThat(law.draw(below + 0.99 * policy[a], logits)).isEqualTo(a);
        below += policy[a];
      }
    }
    int last = IntStream.range(0, logits.length).filter(a -> policy[a] > 0.0).max().orElseThrow();
    assertThat(law.draw(Math.nextDown(1.0), logits)).isEqualTo(last);
    assertThat(policy[law.draw(0.0, logits)]).isPositive();
  }

  @Test
  void ofEquallyProbableTokensTheLowerIdIsKept() {
    double[] policy = new double[5];
    TokenLaw.of(new double[] {0.0, 1.0, 0.0, 1.0, 1.0}, settings(1.0, 0.5), policy);
    assertThat(policy).containsExactly(0.0, 0.5, 0.0, 0.5, 0.0);
  }
}
