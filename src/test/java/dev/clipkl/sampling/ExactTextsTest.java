package dev.clipkl.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every text of a tiny problem, one by one, by nothing but the definitions. */
class ExactTextsTest {
  private static final int CLASSES = 3;
  private static final int TOKENS = 5;
  private static final double[] START = {0.2, 0.5, 0.3};

  /** Sums over all texts, each with its probability. */
  private static final class Enumeration {
    private final TokenMdp mdp;
    private final double[][] policy;
    private final int maxLength;
    private double total;
    private double tokens;
    private double reward;
    private double discountedReward;
    private double divergence;
    private double ended;

    Enumeration(TokenMdp mdp, double[][] policy, int maxLength) {
      this.mdp = mdp;
      this.policy = policy;
      this.maxLength = maxLength;
      for (int c = 0; c < CLASSES; c++) {
        visit(0, c, START[c], 1.0, 0.0, 0.0, 0.0);
      }
    }

    /** Continues a text of {@code length} tokens whose probability was {@code mass} so far. */
    private void visit(
        int length,
        int contextClass,
        double mass,
        double discounting,
        double sum,
        double discountedSum,
        double logRatio) {
      if (length == maxLength || contextClass == ColumnGroups.NONE) {
        total += mass;
        tokens += mass * length;
        reward += mass * sum;
        discountedReward += mass * discountedSum;
        divergence += mass * logRatio;
        ended += contextClass == ColumnGroups.NONE ? mass : 0.0;
        return;
      }
      int state = mdp.horizon().isPresent() ? length * CLASSES + contextClass : contextClass;
      for (int a = 0; a < TOKENS; a++) {
        double p = policy[state][a];
        if (p > 0.0) {
          double r = mdp.classRewards().get(contextClass, a);
          visit(
              length + 1,
              mdp.next().group(a),
              mass * p,
              discounting * mdp.discount(),
              sum + r,
              discountedSum + discounting * r,
              logRatio + Math.log(p) - mdp.classReference().get(contextClass, a));
        }
      }
    }
  }

  /** {@code p^(1/T)} on the nucleus, normalised, by sorting. */
  private static double[] transformed(double[] logits, double temperature, double topP) {
    double[] powers = Arrays.stream(logits).map(x -> Math.exp(x / temperature)).toArray();
    double total = Arrays.stream(powers).sum();
    double[] sorted = Arrays.stream(powers).map(p -> p / total).sorted().toArray();
    double mass = 0.0;
    int kept = TOKENS;
    while (mass < topP - 1e-12) {
      mass += sorted[--kept];
    }
    double least = sorted[kept];
    double[] nucleus =
        Arrays.stream(powers).map(p -> p / total >= least * (1.0 - 1e-12) ? p : 0.0).toArray();
    double sum = Arrays.stream(nucleus).sum();
    return Arrays.stream(nucleus).map(p -> p / sum).toArray();
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1.0, 1.0, false",
    "4, 1.0, 1.0, false",
    "6, 0.5, 0.8, false",
    "4, 2.0, 0.6, false",
    "4, 1.0, 1.0, true",
    "2, 1.0, 1.0, true",
    "4, 0.7, 0.9, true"
  })
  void expectationsAreTheSumsOverAllTexts(
      int maxLength, double temperature, double topP, boolean horizon) {
    TokenMdp mdp =
        TextFixture.mdp(CLASSES, TOKENS, horizon ? OptionalInt.of(4) : OptionalInt.empty());
    RowTable logits = TextFixture.policy(mdp, 8);
    double[][] policy = new double[mdp.states()][TOKENS];
    for (int s = 0; s < policy.length; s++) {
      logits.readRow(s, policy[s]);
      policy[s] = transformed(policy[s], temperature, topP);
    }
    Enumeration all = new Enumeration(mdp, policy, maxLength);
    assertThat(all.total).isCloseTo(1.0, within(1e-12));
    SamplingSettings settings = new SamplingSettings(2, 1, temperature, topP, maxLength);
    TextAverages averages =
        TextFixture.withThreads(threads -> {
          SampledPolicy sampled = SampledPolicy.of(mdp, logits, settings, threads);
          TextStarts starts = TextStarts.drawn(settings, START);
          int[] classOf = {0, 1, 2};
          return TextAverages.of(
              sampled,
              starts.classes(classOf, CLASSES),
              TextSampler.draw(sampled, starts, classOf, threads));
        });
    assertThat(averages.tokens().exact()).isCloseTo(all.tokens, within(1e-12));
    assertThat(averages.reward().exact()).isCloseTo(all.reward, within(1e-12));
    assertThat(averages.discountedReward().exact()).isCloseTo(all.discountedReward, within(1e-12));
    assertThat(averages.klPerText().exact()).isCloseTo(all.divergence, within(1e-12));
    assertThat(averages.klPerToken().exact()).isCloseTo(all.divergence / all.tokens, within(1e-12));
    assertThat(averages.ended().exact()).isCloseTo(all.ended, within(1e-12));
  }
}
