package dev.clipkl.problem;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;

/** Token MDPs for tests, and the same processes as general ones. */
public final class TokenMdpFixture {
  /** Start weight of the state after the end, which a {@link FiniteMdp} cannot do without. */
  public static final double END_WEIGHT = 1e-3;

  private TokenMdpFixture() {}

  /** The golden token problem (THEORY 7): every token has its class, none ends the text. */
  public static TokenMdp golden() {
    FiniteMdp mdp = MdpFixture.token();
    return new TokenMdp(
        mdp.reference(),
        mdp.rewards(),
        new ColumnGroups(3, new int[] {0, 1, 2}),
        mdp.startDistribution(),
        mdp.discount(),
        OptionalInt.empty());
  }

  /**
   * A random process in float64, rewards in [0, 1).
   *
   * @param ends whether the last token ends the text
   * @param horizon 0 for none
   */
  public static TokenMdp random(
      Random random, int classes, int tokens, double discount, boolean ends, int horizon) {
    double[][] reference = new double[classes][];
    double[][] rewards = new double[classes][tokens];
    for (int c = 0; c < classes; c++) {
      reference[c] = RowFixture.logSoftmax(RowFixture.normal(random, tokens, 0.0, 1.0));
      for (int a = 0; a < tokens; a++) {
        rewards[c][a] = random.nextDouble();
      }
    }
    int[] next = new int[tokens];
    for (int a = 0; a < tokens; a++) {
      // Every class is led to, the rest at random.
      next[a] = a < classes ? a : random.nextInt(classes);
    }
    if (ends) {
      next[tokens - 1] = ColumnGroups.NONE;
    }
    int states = classes * Math.max(1, horizon);
    return new TokenMdp(
        RowFixture.table(RowTable.Precision.FLOAT64, reference),
        RowFixture.table(RowTable.Precision.FLOAT64, rewards),
        new ColumnGroups(classes, next),
        RowFixture.softmax(RowFixture.normal(random, states, 0.0, 0.5)),
        discount,
        horizon == 0 ? OptionalInt.empty() : OptionalInt.of(horizon));
  }

  /**
   * The same process with a transition table, its last state the one after the end: it pays nothing
   * and leads to itself.
   */
  public static FiniteMdp asFiniteMdp(TokenMdp mdp) {
    int states = mdp.states() + 1;
    double[][][] transitions = new double[states][mdp.actions()][states];
    double[][] reference = new double[states][mdp.actions()];
    double[][] rewards = new double[states][mdp.actions()];
    double[] start = new double[states];
    Arrays.fill(reference[states - 1], 1.0 / mdp.actions());
    start[states - 1] = END_WEIGHT;
    for (int s = 0; s < states; s++) {
      for (int a = 0; a < mdp.actions(); a++) {
        int next = s == states - 1 ? ColumnGroups.NONE : mdp.next(s, a);
        transitions[s][a][next == ColumnGroups.NONE ? states - 1 : next] = 1.0;
      }
      if (s < states - 1) {
        mdp.reference().readRow(s, reference[s]);
        reference[s] = Arrays.stream(reference[s]).map(Math::exp).toArray();
        mdp.rewards().readRow(s, rewards[s]);
        start[s] = (1.0 - END_WEIGHT) * mdp.startDistribution()[s];
      }
    }
    return MdpFixture.mdp(transitions, reference, rewards, start, mdp.discount());
  }

  /** Normally distributed logits, {@code [states, tokens]}. */
  public static double[][] logits(Random random, TokenMdp mdp, double spread) {
    double[][] logits = new double[mdp.states()][];
    Arrays.setAll(logits, s -> RowFixture.normal(random, mdp.actions(), 0.0, spread));
    return logits;
  }

  /** The same with a row of equal logits for the state after the end. */
  public static double[][] withEnd(double[][] logits) {
    double[][] all = Arrays.copyOf(logits, logits.length + 1);
    all[logits.length] = new double[logits[0].length];
    return all;
  }
}
