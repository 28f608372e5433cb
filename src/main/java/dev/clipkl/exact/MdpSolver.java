package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;

/**
 * The optimal policy of a regularised finite MDP, with certified bounds (THEORY 2.6).
 *
 * <p>{@code (T W)(s) = max_p <p, r_s + gamma P W> - lambda D_s(p)} is a monotone contraction, so
 * that with {@code delta = T W - W} for any W whatever
 *
 * <pre>T W + gamma / (1 - gamma) min delta  <=  V*  <=  T W + gamma / (1 - gamma) max delta.</pre>
 *
 * The lower end takes each row's primal value, the upper end its dual value, and both an allowance
 * for the rounding of float64 sums.
 */
public final class MdpSolver {
  private static final int MOST_EVALUATIONS = 1000;

  /** A rise of the values below this share of them is rounding. */
  private static final double RISE = 1e-12;

  private final FiniteMdp mdp;
  private final Divergence divergence;
  private final double lambda;
  private final PolicyEvaluator evaluator;
  private final RowOptimumSolver rowSolver;

  /**
   * A solver of one objective.
   *
   * @param lambda weight of the divergence, above 0
   */
  public MdpSolver(FiniteMdp mdp, Divergence divergence, double lambda) {
    this.mdp = mdp;
    this.divergence = divergence;
    this.lambda = lambda;
    evaluator = new PolicyEvaluator(mdp, divergence, lambda);
    rowSolver = new RowOptimumSolver(divergence, lambda);
  }

  /** The evaluator of the same objective. */
  public PolicyEvaluator evaluator() {
    return evaluator;
  }

  /**
   * Regularised policy iteration: evaluate, take each row's optimum, again, until neither the
   * values rise nor the bounds tighten. From the reference 3 to 6 evaluations usually reach the
   * limits of float64; where rewards lie far away, each evaluation may bring them nearer by one
   * step only.
   *
   * <p>Values rise from policy to policy, bounds do not always tighten: the largest increase that
   * one more step promises may be yet to come into sight.
   */
  public MdpOptimum policyIteration() {
    double[][] logPolicy = new double[mdp.states()][];
    for (int s = 0; s < logPolicy.length; s++) {
      logPolicy[s] = evaluator.logReference(s);
    }
    double[] values = evaluator.evaluate(logPolicy).values();
    MdpOptimum best = bounds(values, 1);
    for (int i = 2; i <= MOST_EVALUATIONS; i++) {
      double[] better = evaluator.evaluate(best.logPolicy()).values();
      MdpOptimum next = bounds(better, i);
      boolean goesOn = next.width() < best.width() || rises(values, better);
      // The later policy is the better one: values reach the limit when policies are halfway there.
      best = next;
      values = better;
      if (!goesOn) {
        break;
      }
    }
    return best;
  }

  /** Whether the value rises at some state by more than rounding. */
  private boolean rises(double[] values, double[] better) {
    double scale = lambda;
    double largest = 0.0;
    for (int s = 0; s < values.length; s++) {
      scale = Math.max(scale, Math.abs(better[s]));
      largest = Math.max(largest, better[s] - values[s]);
    }
    return largest > RISE * scale;
  }

  /**
   * Value iteration {@code W <- T W} from {@code W = 0}, until the bounds are {@code width} apart.
   *
   * @param mostSweeps where it ends at the latest; its bounds hold wherever it ends
   */
  public MdpOptimum valueIteration(double width, int mostSweeps) {
    MdpOptimum current = bounds(new double[mdp.states()], 1);
    for (int i = 2; i <= mostSweeps && !(current.width() <= width); i++) {
      double[] values = new double[mdp.states()];
      for (int s = 0; s < values.length; s++) {
        values[s] = current.rows()[s].value();
      }
      current = bounds(values, i);
    }
    return current;
  }

  /** The bounds that {@code T W} gives for {@code W = values}, and its greedy policy. */
  private MdpOptimum bounds(double[] values, int iterations) {
    int states = mdp.states();
    double[][] actionValues = evaluator.actionValues(values);
    RowOptimum[] rows = new RowOptimum[states];
    double[][] logPolicy = new double[states][];
    double leastIncrease = Double.POSITIVE_INFINITY;
    double largestIncrease = Double.NEGATIVE_INFINITY;
    double scale = lambda;
    for (int s = 0; s < states; s++) {
      double[] logReference = evaluator.logReference(s);
      rows[s] = rowSolver.solve(logReference, actionValues[s]);
      logPolicy[s] = rowSolver.logPolicy(rows[s], logReference, actionValues[s]);
      leastIncrease = Math.min(leastIncrease, rows[s].lowerBound() - values[s]);
      largestIncrease = Math.max(largestIncrease, rows[s].upperBound() - values[s]);
      for (double q : actionValues[s]) {
        scale = Math.max(scale, Math.abs(q));
      }
    }
    // A sum of n terms is off by at most n roundings of its largest partial sum.
    double rounding = (states + mdp.actions()) * 0x1p-53 * scale / (1.0 - mdp.discount());
    double horizon = mdp.discount() / (1.0 - mdp.discount());
    double[] lower = new double[states];
    double[] upper = new double[states];
    for (int s = 0; s < states; s++) {
      lower[s] = rows[s].lowerBound() + horizon * leastIncrease - rounding;
      upper[s] = rows[s].upperBound() + horizon * largestIncrease + rounding;
    }
    return new MdpOptimum(lower, upper, logPolicy, actionValues, rows, iterations);
  }

  /**
   * {@code V*(s) - V(s)} of a policy, without cancellation, {@code [states]}: with {@code b_s} the
   * distance of its row to the optimum for {@code Q*} (THEORY 1.10), the performance difference
   * (1.8) read from {@code p*} gives {@code (I - gamma P_pi) (V* - V) = b >= 0}.
   *
   * @param optimum of this objective; its width bounds the error that it brings in
   * @param logPolicy normalised, nats, {@code [states, actions]}
   * @param visitation d of this policy, {@code [states]}
   * @return {@code u . (V* - V) = sum_s d(s) b_s}
   */
  public double gap(MdpOptimum optimum, double[][] logPolicy, double[] visitation) {
    return PolicyValues.dot(visitation, rowGaps(optimum, logPolicy));
  }

  /**
   * Each row's distance to its optimum for the given optimum's action values, {@code [states]}.
   *
   * @param logPolicy normalised, nats, {@code [states, actions]}
   */
  public double[] rowGaps(MdpOptimum optimum, double[][] logPolicy) {
    double[] gaps = new double[logPolicy.length];
    for (int s = 0; s < gaps.length; s++) {
      gaps[s] =
          RowGap.of(
              divergence,
              lambda,
              optimum.rows()[s],
              logPolicy[s],
              evaluator.logReference(s),
              optimum.actionValues()[s]);
    }
    return gaps;
  }
}
