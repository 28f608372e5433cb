package dev.clipkl.compare;

import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.hipparchus.analysis.UnivariateFunction;
import org.hipparchus.analysis.solvers.AllowedSolution;
import org.hipparchus.analysis.solvers.BracketingNthOrderBrentSolver;

/**
 * Finds the lambda at which the exact optimum of a divergence spends a budget: a root in {@code log
 * lambda} of {@code log KL - log budget}, which is nearly straight there.
 */
final class BudgetSolver {
  /** Relative accuracy of the divergence that is met. */
  private static final double ACCURACY = 1e-10;

  /** What counts as met. */
  private static final double MET = 1e-7;

  private static final double LAMBDA_ACCURACY = 1e-14;
  private static final int ORDER = 5;
  private static final int MOST_EVALUATIONS = 100;

  /** One step of the search for a bracket. */
  private static final double BRACKET_STEP = Math.log(4.0);

  /** How far from the start a lambda is looked for, either way. */
  private static final int MOST_STEPS = 30;

  /** A divergence that rises by no more than this share in a step has reached its limit. */
  private static final double STANDSTILL = 1e-6;

  private final ProblemSolver solver;
  private final PolicyMeter meter;

  BudgetSolver(ProblemSolver solver, PolicyMeter meter) {
    this.solver = solver;
    this.meter = meter;
  }

  /** The divergence that the exact optimum has, mean over the states, nats. */
  double spent(BudgetMeasure measure, Divergence divergence, double lambda) {
    SolvedObjective optimum = solver.solve(divergence, lambda);
    if (solver.isBandit() && divergence.equals(measure.divergence())) {
      return (meter.reward(optimum) - optimum.value()) / lambda;
    }
    return measure.mean(meter.averages(optimum));
  }

  /**
   * The lambda whose exact optimum spends the budget.
   *
   * @param budget nats, above 0
   * @param start a lambda to begin at
   * @throws InputException when no lambda spends so much
   */
  double lambda(BudgetMeasure measure, Divergence divergence, double budget, double start) {
    Map<Double, Double> known = new HashMap<>();
    UnivariateFunction excess =
        logLambda ->
            known.computeIfAbsent(
                logLambda,
                key -> {
                  double spent = spent(measure, divergence, Math.exp(key));
                  // Zero or less is rounding; infinite where the optimum has zeros.
                  return Math.log(Math.clamp(spent, Double.MIN_NORMAL, Double.MAX_VALUE) / budget);
                });
    double logLambda = Math.log(start);
    double value = excess.value(logLambda);
    for (int step = 0; step < MOST_STEPS && value != 0.0; step++) {
      double next = logLambda + Math.copySign(BRACKET_STEP, value);
      double nextValue;
      try {
        nextValue = excess.value(next);
      } catch (ArithmeticException e) {
        // Beyond float64.
        break;
      }
      if (value * nextValue <= 0.0) {
        double root = root(excess, Math.min(logLambda, next), Math.max(logLambda, next));
        // Where an optimum gets its first zero, KL(q||p) jumps.
        if (!(Math.abs(excess.value(root)) <= MET)) {
          throw new InputException(
              String.format(
                  Locale.ROOT,
                  "compare.budget: the optimum of %s cannot have %.6g nats of %s: it jumps over them"
                      + " at lambda %.6g",
                  divergence.name(),
                  budget,
                  measure.symbol(),
                  Math.exp(root)));
        }
        return Math.exp(root);
      }
      boolean stands = value < 0.0 && nextValue - value <= STANDSTILL;
      logLambda = next;
      value = nextValue;
      if (stands) {
        break;
      }
    }
    if (value == 0.0) {
      return Math.exp(logLambda);
    }
    throw unreachable(measure, divergence, budget, value, logLambda);
  }

  private static double root(UnivariateFunction excess, double lower, double upper) {
    return new BracketingNthOrderBrentSolver(LAMBDA_ACCURACY, LAMBDA_ACCURACY, ACCURACY, ORDER)
        .solve(MOST_EVALUATIONS, excess, lower, upper, AllowedSolution.ANY_SIDE);
  }

  private static InputException unreachable(
      BudgetMeasure measure, Divergence divergence, double budget, double excess, double log) {
    return new InputException(
        String.format(
            Locale.ROOT,
            "compare.budget: the optimum of %s cannot have %.6g nats of %s: at lambda %.3g it has"
                + " %.6g, its limit",
            divergence.name(),
            budget,
            measure.symbol(),
            Math.exp(log),
            budget * Math.exp(excess)));
  }
}
