package dev.clipkl.exact;

import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.OptimumSweepsSource;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.TokenMdp;
import java.util.List;
import java.util.stream.Stream;

/**
 * The optimal policy of a token MDP, with certified bounds (THEORY 2.6): {@link MdpSolver} at
 * vocabulary scale. No {@code [states, tokens]} table is stored; a row's action values are its
 * rewards plus numbers that all rows share, and its greedy policy is used up for its masses on the
 * classes as soon as it is found.
 */
public final class TokenMdpSolver {
  private static final int MOST_EVALUATIONS = 1000;

  /** A rise of the values below this share of them is rounding. */
  private static final double RISE = 1e-12;

  /** Roundings of an action value, {@code r + gamma W}: of the product and of the sum, twofold. */
  private static final double ACTION_VALUE_ROUNDINGS = 4.0 * 0x1p-53;

  private final TokenMdp mdp;
  private final double lambda;
  private final RowThreads threads;
  private final RowOptimumSolver rowSolver;
  private final List<Scratch> scratch;
  private final double[][] masses;
  private final double[][] shared;

  /** A thread's memory for one row. */
  private static final class Scratch {
    final OptimumSweeps sweeps;
    final double[] logReference;
    final double[] actionValues;
    double largestActionValue;

    Scratch(OptimumSweeps sweeps, int tokens) {
      this.sweeps = sweeps;
      logReference = new double[tokens];
      actionValues = new double[tokens];
    }
  }

  /**
   * A solver of one objective.
   *
   * @param lambda weight of the divergence, above 0
   * @param sweeps makes the sweeps over a row, for each of the threads
   */
  public TokenMdpSolver(
      TokenMdp mdp,
      Divergence divergence,
      double lambda,
      OptimumSweepsSource sweeps,
      RowThreads threads) {
    this.mdp = mdp;
    this.lambda = lambda;
    this.threads = threads;
    rowSolver = new RowOptimumSolver(divergence, lambda);
    scratch =
        Stream.generate(() ->
                new Scratch(sweeps.optimumSweeps(divergence, lambda, mdp.actions()), mdp.actions()))
            .limit(threads.threads())
            .toList();
    masses = new double[mdp.states()][mdp.classes()];
    shared = new double[mdp.layers()][mdp.actions()];
  }

  /**
   * The optimum: with a horizon by one sweep from the last layer, else by regularised policy
   * iteration from {@code W = 0}, until neither the values rise nor the bounds tighten.
   *
   * @throws ArithmeticException when an entry is not finite, or an optimum is beyond float64
   */
  public TokenOptimum solve() {
    return mdp.horizon().isPresent() ? backwardSweep() : policyIteration();
  }

  private TokenOptimum policyIteration() {
    double[] values = new double[mdp.states()];
    TokenOptimum best = bounds(values, 1);
    for (int i = 2; i <= MOST_EVALUATIONS; i++) {
      double[] better = greedyValues(best);
      TokenOptimum next = bounds(better, i);
      boolean goesOn = next.width() < best.width() || rises(best.values(), better);
      best = next;
      if (!goesOn) {
        break;
      }
    }
    return best;
  }

  /**
   * The values of the greedy policy whose masses are at hand: {@code (I - gamma P)(V - W) = T W -
   * W}, without cancellation.
   */
  private double[] greedyValues(TokenOptimum optimum) {
    double[] increase = new double[mdp.states()];
    for (int s = 0; s < increase.length; s++) {
      increase[s] = optimum.rows()[s].value() - optimum.values()[s];
    }
    double[] values = new TokenChain(mdp, masses, threads).values(increase).x();
    for (int s = 0; s < values.length; s++) {
      values[s] += optimum.values()[s];
    }
    return values;
  }

  private boolean rises(double[] values, double[] better) {
    double scale = lambda;
    double largest = 0.0;
    for (int s = 0; s < values.length; s++) {
      scale = Math.max(scale, Math.abs(better[s]));
      largest = Math.max(largest, better[s] - values[s]);
    }
    return largest > RISE * scale;
  }

  /** The bounds that {@code T W} gives for {@code W = values}, and the greedy policy's masses. */
  private TokenOptimum bounds(double[] values, int iterations) {
    int states = mdp.states();
    RowOptimum[] rows = new RowOptimum[states];
    TokenValues.fillShared(mdp, values, shared);
    double scale = solveRows(0, states, rows);
    double leastIncrease = Double.POSITIVE_INFINITY;
    double largestIncrease = Double.NEGATIVE_INFINITY;
    for (int s = 0; s < states; s++) {
      leastIncrease = Math.min(leastIncrease, rows[s].lowerBound() - values[s]);
      largestIncrease = Math.max(largestIncrease, rows[s].upperBound() - values[s]);
    }
    double rounding = ACTION_VALUE_ROUNDINGS * scale / (1.0 - mdp.discount());
    double horizon = mdp.discount() / (1.0 - mdp.discount());
    double[] lower = new double[states];
    double[] upper = new double[states];
    for (int s = 0; s < states; s++) {
      lower[s] = rows[s].lowerBound() + horizon * leastIncrease - rounding;
      upper[s] = rows[s].upperBound() + horizon * largestIncrease + rounding;
    }
    return new TokenOptimum(values, lower, upper, rows, visitation(), iterations);
  }

  /** {@code V*} layer by layer; a layer's error is its own and, discounted, that of the next. */
  private TokenOptimum backwardSweep() {
    int states = mdp.states();
    RowOptimum[] rows = new RowOptimum[states];
    double[] values = new double[states];
    double[] lower = new double[states];
    double[] upper = new double[states];
    double below = 0.0;
    for (int layer = mdp.layers() - 1; layer >= 0; layer--) {
      TokenValues.fillShared(mdp, values, shared, layer);
      int first = layer * mdp.classes();
      int end = first + mdp.classes();
      double inherited =
          mdp.discount() * below + ACTION_VALUE_ROUNDINGS * solveRows(first, end, rows);
      below = 0.0;
      for (int s = first; s < end; s++) {
        values[s] = rows[s].value();
        lower[s] = rows[s].lowerBound() - inherited;
        upper[s] = rows[s].upperBound() + inherited;
        below = Math.max(below, Math.max(upper[s] - values[s], values[s] - lower[s]));
      }
    }
    return new TokenOptimum(values, lower, upper, rows, visitation(), 1);
  }

  /** Of the greedy policy whose masses are at hand. */
  private double[] visitation() {
    return new TokenChain(mdp, masses, threads).visitation().x();
  }

  /**
   * Solves the rows of states {@code [first, end)}, and finds their policy's masses.
   *
   * @return the largest action value, or lambda if that is larger
   */
  private double solveRows(int first, int end, RowOptimum[] rows) {
    scratch.forEach(memory -> memory.largestActionValue = lambda);
    threads.visit(
        scratch,
        first,
        end,
        (memory, state) -> {
          readActionValues(memory, state);
          rows[state] = rowSolver.solve(memory.sweeps, memory.logReference, memory.actionValues);
          fillMasses(memory, rows[state], state);
        });
    return scratch.stream().mapToDouble(memory -> memory.largestActionValue).max().orElseThrow();
  }

  private void readActionValues(Scratch memory, int state) {
    double[] add = shared[state / mdp.classes()];
    mdp.reference().readRow(state, memory.logReference);
    mdp.rewards().readRow(state, memory.actionValues);
    for (int a = 0; a < add.length; a++) {
      memory.actionValues[a] += add[a];
      memory.largestActionValue =
          Math.max(memory.largestActionValue, Math.abs(memory.actionValues[a]));
    }
  }

  private void fillMasses(Scratch memory, RowOptimum optimum, int state) {
    // The row's rewards are not needed any more.
    double[] policy = memory.actionValues;
    memory.sweeps.probabilities(optimum.offset(), policy);
    mdp.next().sum(policy, masses[state]);
  }
}
