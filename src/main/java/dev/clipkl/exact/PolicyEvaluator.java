package dev.clipkl.exact;

import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.ArrayRealVector;
import org.hipparchus.linear.DecompositionSolver;
import org.hipparchus.linear.LUDecomposition;
import org.hipparchus.linear.RealMatrix;
import org.hipparchus.linear.RealVector;

/**
 * Evaluates policies of a finite MDP by dense linear algebra (THEORY 0 and 1).
 *
 * <p>Cost of one evaluation: {@code states^2 actions} to read the transitions and {@code 4/3
 * states^3} for two LU decompositions.
 */
public final class PolicyEvaluator {
  private final FiniteMdp mdp;
  private final Divergence divergence;
  private final double lambda;
  private final double[][] logReference;
  private final double[][] reward;

  /**
   * An evaluator of one objective.
   *
   * @param lambda weight of the divergence, above 0
   */
  public PolicyEvaluator(FiniteMdp mdp, Divergence divergence, double lambda) {
    if (!(lambda > 0.0)) {
      throw new IllegalArgumentException("lambda must be above 0, got " + lambda);
    }
    this.mdp = mdp;
    this.divergence = divergence;
    this.lambda = lambda;
    logReference = new double[mdp.states()][mdp.actions()];
    reward = new double[mdp.states()][mdp.actions()];
    for (int s = 0; s < mdp.states(); s++) {
      mdp.reference().readRow(s, logReference[s]);
      mdp.rewards().readRow(s, reward[s]);
    }
  }

  /** {@code log pi_ref} of one state, {@code [actions]}; not to be changed. */
  double[] logReference(int state) {
    return logReference[state];
  }

  /**
   * V, Q and d of a policy: {@code (I - gamma P_pi) V = E_p[r] - lambda D} and {@code (I - gamma
   * P_pi)^T d = u} (THEORY 0.2, 0.3, 0.5), each solved by LU and refined once.
   *
   * @param logPolicy normalised, nats, {@code [states, actions]}; negative infinity is a
   *     probability of 0
   */
  public PolicyValues evaluate(double[][] logPolicy) {
    int states = mdp.states();
    double[] rewards = new double[states];
    double[] divergences = new double[states];
    double[] income = new double[states];
    for (int s = 0; s < states; s++) {
      for (int a = 0; a < mdp.actions(); a++) {
        rewards[s] += Math.exp(logPolicy[s][a]) * reward[s][a];
        divergences[s] +=
            Math.exp(logReference[s][a]) * divergence.value(logPolicy[s][a] - logReference[s][a]);
      }
      income[s] = rewards[s] - lambda * divergences[s];
    }
    RealMatrix system = new Array2DRowRealMatrix(system(logPolicy), false);
    double[] values = solve(system, income);
    double[] visitation = solve(system.transpose(), mdp.startDistribution());
    double largestResidual = 0.0;
    double[] product = system.operate(values);
    for (int s = 0; s < states; s++) {
      largestResidual = Math.max(largestResidual, Math.abs(income[s] - product[s]));
    }
    // The inverse of I - gamma P has non-negative entries and row sums 1 / (1 - gamma).
    double errorBound = largestResidual / (1.0 - mdp.discount());
    return new PolicyValues(
        values, actionValues(values), visitation, rewards, divergences, errorBound);
  }

  /** {@code I - gamma P_pi}, {@code [states, states]}. */
  private double[][] system(double[][] logPolicy) {
    int states = mdp.states();
    double[][] system = new double[states][states];
    double[] next = new double[states];
    for (int s = 0; s < states; s++) {
      for (int a = 0; a < mdp.actions(); a++) {
        double weight = mdp.discount() * Math.exp(logPolicy[s][a]);
        mdp.readTransitions(s, a, next);
        for (int t = 0; t < states; t++) {
          system[s][t] -= weight * next[t];
        }
      }
      system[s][s] += 1.0;
    }
    return system;
  }

  /** LU, then one step of iterative refinement; the matrix is diagonally dominant. */
  private static double[] solve(RealMatrix system, double[] right) {
    DecompositionSolver solver = new LUDecomposition(system, 0.0).getSolver();
    RealVector target = new ArrayRealVector(right, false);
    RealVector solution = solver.solve(target);
    RealVector residual = target.subtract(system.operate(solution));
    return solution.add(solver.solve(residual)).toArray();
  }

  /**
   * {@code Q(s, a) = r(s, a) + gamma sum_s' P(s' | s, a) V(s')} (THEORY 0.3), {@code [states,
   * actions]}.
   *
   * @param values V, {@code [states]}
   */
  public double[][] actionValues(double[] values) {
    double[][] actionValues = new double[mdp.states()][mdp.actions()];
    double[] next = new double[mdp.states()];
    for (int s = 0; s < mdp.states(); s++) {
      for (int a = 0; a < mdp.actions(); a++) {
        mdp.readTransitions(s, a, next);
        actionValues[s][a] = reward[s][a] + mdp.discount() * PolicyValues.dot(next, values);
      }
    }
    return actionValues;
  }

  /**
   * The regularised advantage {@code G = Q - V - lambda D - lambda f'(w)} (THEORY 0.4, 0.6), up to
   * its mean under p, which gradients do not see; {@code [states, actions]}.
   *
   * @param policy the values of {@code logPolicy}
   */
  public double[][] coefficients(double[][] logPolicy, PolicyValues policy) {
    double[][] coefficients = new double[mdp.states()][mdp.actions()];
    for (int s = 0; s < mdp.states(); s++) {
      double baseline = policy.values()[s] + lambda * policy.divergences()[s];
      for (int a = 0; a < mdp.actions(); a++) {
        coefficients[s][a] =
            policy.actionValues()[s][a]
                - baseline
                - lambda * divergence.derivative(logPolicy[s][a] - logReference[s][a]);
      }
    }
    return coefficients;
  }

  /**
   * The policy gradient {@code d(s) p_a (G_a - E_p G)} of {@code u . V} with respect to the logits
   * (THEORY 1.2), {@code [states, actions]}.
   *
   * @param policy the values of {@code logPolicy}, every probability above 0
   */
  public double[][] gradient(double[][] logPolicy, PolicyValues policy) {
    double[][] gradient = coefficients(logPolicy, policy);
    for (int s = 0; s < mdp.states(); s++) {
      double mean = 0.0;
      for (int a = 0; a < mdp.actions(); a++) {
        mean += Math.exp(logPolicy[s][a]) * gradient[s][a];
      }
      for (int a = 0; a < mdp.actions(); a++) {
        gradient[s][a] =
            policy.visitation()[s] * Math.exp(logPolicy[s][a]) * (gradient[s][a] - mean);
      }
    }
    return gradient;
  }
}
