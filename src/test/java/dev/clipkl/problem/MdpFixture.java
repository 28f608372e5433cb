package dev.clipkl.problem;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;

/** Finite MDPs for tests: the golden ones and random ones. */
public final class MdpFixture {
  private MdpFixture() {}

  /** Logits of the golden MDP (THEORY 7). */
  public static double[][] goldenLogits() {
    return new double[][] {{0.2, -0.1}, {0.0, 0.4}};
  }

  /** Logits of the golden token problem (THEORY 7). */
  public static double[][] tokenLogits() {
    return new double[][] {{0.1, -0.2, 0.3}, {0.0, 0.5, -0.5}, {0.2, 0.2, -0.1}};
  }

  /** The golden MDP: two states, two actions, gamma 0.9. */
  public static FiniteMdp golden() {
    double[][][] transitions = {{{0.9, 0.1}, {0.2, 0.8}}, {{0.5, 0.5}, {0.1, 0.9}}};
    return mdp(
        transitions,
        new double[][] {{0.7, 0.3}, {0.4, 0.6}},
        new double[][] {{1.0, 0.0}, {0.3, 0.8}},
        new double[] {0.6, 0.4},
        0.9);
  }

  /** The golden token problem: the next state is the action. */
  public static FiniteMdp token() {
    double[][] next = {{1.0, 0.0, 0.0}, {0.0, 1.0, 0.0}, {0.0, 0.0, 1.0}};
    return mdp(
        new double[][][] {next, next, next},
        new double[][] {{0.5, 0.3, 0.2}, {0.2, 0.5, 0.3}, {0.1, 0.3, 0.6}},
        new double[][] {{0.1, 0.9, 0.4}, {0.5, 0.2, 1.0}, {0.7, 0.3, 0.0}},
        new double[] {1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0},
        0.5);
  }

  /** A process over these numbers. */
  public static FiniteMdp mdp(
      double[][][] transitions,
      double[][] reference,
      double[][] rewards,
      double[] start,
      double discount) {
    double[][] flat = Arrays.stream(transitions).flatMap(Arrays::stream).toArray(double[][]::new);
    double[][] logReference =
        Arrays.stream(reference).map(RowFixture::log).toArray(double[][]::new);
    return new FiniteMdp(
        RowFixture.table(RowTable.Precision.FLOAT64, flat),
        RowFixture.table(RowTable.Precision.FLOAT64, logReference),
        RowFixture.table(RowTable.Precision.FLOAT64, rewards),
        start,
        discount);
  }

  /**
   * A corridor: back, stay, on, each succeeding nine times in ten; only its last state pays, and
   * the reference walks away from it.
   */
  public static FiniteMdp corridor(int states, double discount) {
    double[][][] transitions = new double[states][3][states];
    double[][] reference = new double[states][];
    double[][] rewards = new double[states][3];
    double[] start = new double[states];
    for (int s = 0; s < states; s++) {
      for (int a = 0; a < 3; a++) {
        transitions[s][a][Math.clamp(s + a - 1, 0, states - 1)] += 0.9;
        transitions[s][a][s] += 0.1;
        rewards[s][a] = s == states - 1 ? 1.0 : 0.0;
      }
      reference[s] = new double[] {0.7, 0.2, 0.1};
      start[s] = 1.0 / states;
    }
    return mdp(transitions, reference, rewards, start, discount);
  }

  /** A random process: Dirichlet-like transitions and references, rewards in [0, 1). */
  public static FiniteMdp random(Random random, int states, int actions, double discount) {
    double[][][] transitions = new double[states][actions][];
    double[][] reference = new double[states][];
    double[][] rewards = new double[states][actions];
    for (int s = 0; s < states; s++) {
      for (int a = 0; a < actions; a++) {
        transitions[s][a] = distribution(random, states, 1.5);
        rewards[s][a] = random.nextDouble();
      }
      reference[s] = distribution(random, actions, 1.0);
    }
    return mdp(transitions, reference, rewards, distribution(random, states, 0.5), discount);
  }

  private static double[] distribution(Random random, int count, double spread) {
    double[] logits = new double[count];
    for (int i = 0; i < count; i++) {
      logits[i] = spread * random.nextGaussian();
    }
    return RowFixture.softmax(logits);
  }

  /** Normally distributed logits. */
  public static double[][] logits(Random random, FiniteMdp mdp, double spread) {
    double[][] logits = new double[mdp.states()][mdp.actions()];
    for (double[] row : logits) {
      for (int a = 0; a < row.length; a++) {
        row[a] = spread * random.nextGaussian();
      }
    }
    return logits;
  }

  /** {@code log softmax} of every row. */
  public static double[][] logPolicy(double[][] logits) {
    return Arrays.stream(logits).map(RowFixture::logSoftmax).toArray(double[][]::new);
  }

  /** A float64 table with these rows in an automatic arena. */
  public static RowTable table(double[][] rows) {
    RowTable table =
        RowTable.allocate(Arena.ofAuto(), RowTable.Precision.FLOAT64, rows.length, rows[0].length);
    for (int s = 0; s < rows.length; s++) {
      table.writeRow(s, rows[s]);
    }
    return table;
  }
}
