package dev.clipkl.sampling;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * A policy as it is sampled, after temperature and top-p: the law of every state's next token, and
 * what that law expects of one step. The expectations are sums over the whole vocabulary in
 * float64, of the very laws that are drawn from.
 */
final class SampledPolicy {
  private final TokenMdp mdp;
  private final RowTable logits;
  private final int maxLength;
  private final TokenLaw[] laws;
  private final double[] referenceLargest;
  private final double[] referenceLogTotals;
  private final double[][] masses;
  private final double[] ends;
  private final double[] rewards;
  private final double[] divergences;

  private SampledPolicy(TokenMdp mdp, RowTable logits, int maxLength) {
    this.mdp = mdp;
    this.logits = logits;
    this.maxLength = maxLength;
    int states = mdp.horizon().isPresent() ? maxLength * mdp.classes() : mdp.classes();
    laws = new TokenLaw[states];
    referenceLargest = new double[states];
    referenceLogTotals = new double[states];
    masses = new double[states][mdp.classes()];
    ends = new double[states];
    rewards = new double[states];
    divergences = new double[states];
  }

  /**
   * Reads a policy once.
   *
   * @param logits any that softmax turns into the policy, {@code [states, tokens]}; kept
   * @throws IllegalArgumentException if texts may be longer than the problem's horizon
   */
  static SampledPolicy of(
      TokenMdp mdp, RowTable logits, SamplingSettings settings, RowThreads threads) {
    if (settings.maxLength() > mdp.horizon().orElse(Integer.MAX_VALUE)) {
      throw new IllegalArgumentException(
          "texts of %d tokens are beyond the horizon %d"
              .formatted(settings.maxLength(), mdp.horizon().orElseThrow()));
    }
    SampledPolicy policy = new SampledPolicy(mdp, logits, settings.maxLength());
    threads.visit(
        Stream.generate(() -> new double[3][mdp.actions()]).limit(threads.threads()).toList(),
        0,
        policy.laws.length,
        (memory, state) -> policy.read(state, settings, memory));
    return policy;
  }

  private void read(int state, SamplingSettings settings, double[][] memory) {
    double[] row = memory[0];
    double[] probabilities = memory[1];
    double[] other = memory[2];
    logits.readRow(state, row);
    TokenLaw law = TokenLaw.of(row, settings, probabilities);
    laws[state] = law;
    mdp.reference().readRow(state, other);
    normalizeReference(state, other);
    for (int a = 0; a < row.length; a++) {
      if (probabilities[a] > 0.0) {
        double logRatio = law.logProbability(a, row[a]) - logReference(state, other[a]);
        divergences[state] += probabilities[a] * logRatio;
      }
    }
    mdp.rewards().readRow(state, other);
    for (int a = 0; a < row.length; a++) {
      rewards[state] += probabilities[a] * other[a];
      if (mdp.next().group(a) == ColumnGroups.NONE) {
        ends[state] += probabilities[a];
      }
    }
    mdp.next().sum(probabilities, masses[state]);
  }

  /**
   * What a reference row's rounding to float32 leaves of its sum; by the same operations as a law's
   * so that the reference is at no distance at all from itself.
   */
  private void normalizeReference(int state, double[] row) {
    double largest = Arrays.stream(row).max().orElseThrow();
    double sum = 0.0;
    for (double logProbability : row) {
      sum += Math.exp(logProbability - largest);
    }
    referenceLargest[state] = largest;
    referenceLogTotals[state] = Math.log(sum);
  }

  private double logReference(int state, double entry) {
    return (entry - referenceLargest[state]) - referenceLogTotals[state];
  }

  TokenMdp mdp() {
    return mdp;
  }

  RowTable logits() {
    return logits;
  }

  /** Tokens after which texts are broken off. */
  int maxLength() {
    return maxLength;
  }

  /** The state of a text of {@code position} tokens whose last token is in a class. */
  int state(int position, int contextClass) {
    return mdp.horizon().isPresent() ? position * mdp.classes() + contextClass : contextClass;
  }

  /** The law of the next token. */
  TokenLaw law(int state) {
    return laws[state];
  }

  /** {@code log p_a - log q_a}, q the reference as it is, whatever temperature and top-p; nats. */
  double logRatio(int state, int token, double logit) {
    return laws[state].logProbability(token, logit)
        - logReference(state, mdp.reference().get(state, token));
  }

  /** The probability of each class, {@code [classes]}; not a copy. */
  double[] masses(int state) {
    return masses[state];
  }

  /** The probability that the next token ends the text. */
  double end(int state) {
    return ends[state];
  }

  /** {@code E_p[r]} of the next token. */
  double reward(int state) {
    return rewards[state];
  }

  /** {@code KL(p || q)} of the next token, nats. */
  double divergence(int state) {
    return divergences[state];
  }
}
