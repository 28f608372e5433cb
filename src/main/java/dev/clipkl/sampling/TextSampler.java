package dev.clipkl.sampling;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.ColumnGroups;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Draws all texts at once, one token each per step. In a step texts are grouped by their state, so
 * that a state's row is read once for all of them; threads take states. A text is in one state, so
 * that the order of the threads cannot show.
 */
final class TextSampler {
  private final SampledPolicy policy;
  private final TokenMdp mdp;
  private final RandomGenerator[] generators;
  private final int[] classOf;
  private final int[][] tokens;
  private final int[] lengths;
  private final boolean[] ended;
  private final double[] rewards;
  private final double[] discountedRewards;
  private final double[] logRatios;

  private TextSampler(SampledPolicy policy, RandomGenerator[] generators, int[] startClasses) {
    this.policy = policy;
    mdp = policy.mdp();
    this.generators = generators;
    classOf = startClasses;
    int samples = startClasses.length;
    tokens = new int[samples][Math.min(policy.maxLength(), 8)];
    lengths = new int[samples];
    ended = new boolean[samples];
    rewards = new double[samples];
    discountedRewards = new double[samples];
    logRatios = new double[samples];
  }

  /**
   * Draws texts.
   *
   * @param classOf each prompt's class
   */
  static SampledTexts draw(
      SampledPolicy policy, TextStarts starts, int[] classOf, RowThreads threads) {
    int[] startClasses = Arrays.stream(starts.promptOf()).map(prompt -> classOf[prompt]).toArray();
    return new TextSampler(policy, starts.generators(), startClasses).draw(threads);
  }

  private SampledTexts draw(RowThreads threads) {
    List<double[]> rows =
        Stream.generate(() -> new double[mdp.actions()]).limit(threads.threads()).toList();
    double discounting = 1.0;
    for (int position = 0; position < policy.maxLength(); position++) {
      List<int[]> groups = groupsByClass();
      int step = position;
      double weight = discounting;
      threads.visit(
          rows, 0, groups.size(), (row, group) -> append(groups.get(group), step, weight, row));
      discounting *= mdp.discount();
    }
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = Arrays.copyOf(tokens[i], lengths[i]);
    }
    return new SampledTexts(tokens, ended, rewards, discountedRewards, logRatios);
  }

  /** The texts that go on, those of a class together. */
  private List<int[]> groupsByClass() {
    return IntStream.range(0, tokens.length)
        .filter(text -> !ended[text])
        .boxed()
        .collect(Collectors.groupingBy(text -> classOf[text]))
        .values()
        .stream()
        .sorted(Comparator.comparingInt(group -> -group.size()))
        .map(group -> group.stream().mapToInt(text -> text).toArray())
        .toList();
  }

  /** Appends a token to each text of a class. */
  private void append(int[] texts, int position, double discounting, double[] row) {
    int state = policy.state(position, classOf[texts[0]]);
    policy.logits().readRow(state, row);
    for (int text : texts) {
      int token = policy.law(state).draw(generators[text].nextDouble(), row);
      if (lengths[text] == tokens[text].length) {
        tokens[text] = Arrays.copyOf(tokens[text], Math.min(policy.maxLength(), 2 * lengths[text]));
      }
      tokens[text][lengths[text]++] = token;
      double reward = mdp.rewards().get(state, token);
      rewards[text] += reward;
      discountedRewards[text] += discounting * reward;
      logRatios[text] += policy.logRatio(state, token, row[token]);
      int next = mdp.next().group(token);
      ended[text] = next == ColumnGroups.NONE;
      classOf[text] = next;
    }
  }
}
