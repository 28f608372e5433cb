package dev.clipkl.compare;

import java.util.Map;
import java.util.TreeMap;
import org.hipparchus.analysis.UnivariateFunction;
import org.hipparchus.analysis.solvers.BracketingNthOrderBrentSolver;

/**
 * The most reward that any policy has at a given divergence K, {@code min_lambda V*(lambda) +
 * lambda K}, V* the optimum's value for that divergence.
 *
 * <p>By weak duality the bound holds at every lambda: {@code reward = V + lambda K <= V* + lambda
 * K} for every policy. At the minimum the optimum's own divergence is K, and the bound is its
 * reward. The bound is convex in lambda with slope {@code K - K*(lambda)}, so a lambda that is
 * nearly right gives it to second order. Divergences are discounted sums, in a bandit means.
 */
final class FrontierBound {
  /** Relative accuracy of the optimum's divergence; its square is the bound's. */
  private static final double ACCURACY = 1e-5;

  private static final double LAMBDA_ACCURACY = 1e-12;
  private static final int ORDER = 5;
  private static final int MOST_EVALUATIONS = 60;
  private static final double BRACKET_STEP = Math.log(4.0);
  private static final int MOST_STEPS = 20;

  /** A divergence that changes by no more than this share in a step has reached its limit. */
  private static final double STANDSTILL = 1e-6;

  private final ProblemSolver solver;
  private final PolicyMeter meter;
  private final BudgetMeasure measure;

  /** What has been found so far, by {@code log lambda}. */
  private final TreeMap<Double, Point> points = new TreeMap<>();

  private record Point(double lambda, double value, double divergence) {}

  FrontierBound(ProblemSolver solver, PolicyMeter meter, BudgetMeasure measure) {
    this.solver = solver;
    this.meter = meter;
    this.measure = measure;
  }

  /** Takes a lambda for a point to begin at; at least one before {@link #at}. */
  void add(double lambda) {
    point(Math.log(lambda), lambda);
  }

  private Point point(double logLambda) {
    return point(logLambda, Math.exp(logLambda));
  }

  private Point point(double logLambda, double lambda) {
    Point known = points.get(logLambda);
    if (known == null) {
      SolvedObjective optimum = solver.solve(measure.divergence(), lambda);
      known =
          new Point(lambda, optimum.value(), (meter.reward(optimum) - optimum.value()) / lambda);
      points.put(logLambda, known);
    }
    return known;
  }

  /**
   * The bound; infinite for an infinite divergence, NaN for NaN.
   *
   * @param divergence K, nats, a discounted sum
   */
  double at(double divergence) {
    if (divergence > 0.0 && divergence < Double.POSITIVE_INFINITY) {
      approach(divergence);
    }
    double least = Double.POSITIVE_INFINITY;
    for (Point point : points.values()) {
      least = Math.min(least, point.value + point.lambda * divergence);
    }
    return least;
  }

  /** Adds points until one has nearly this divergence, or there is none. */
  private void approach(double target) {
    UnivariateFunction excess =
        logLambda -> Math.log(Math.max(point(logLambda).divergence, Double.MIN_NORMAL) / target);
    if (!bracketed(excess)) {
      return;
    }
    Map.Entry<Double, Point> below = null;
    Map.Entry<Double, Point> above = null;
    for (Map.Entry<Double, Point> entry : points.entrySet()) {
      // The divergence falls as lambda rises.
      if (entry.getValue().divergence >= target) {
        below = entry;
      } else if (above == null) {
        above = entry;
      }
    }
    if (below == null || above == null || Math.abs(excess.value(below.getKey())) <= ACCURACY) {
      return;
    }
    double lower = below.getKey();
    double upper = above.getKey();
    double share = excess.value(lower) / (excess.value(lower) - excess.value(upper));
    new BracketingNthOrderBrentSolver(LAMBDA_ACCURACY, LAMBDA_ACCURACY, ACCURACY, ORDER)
        .solve(MOST_EVALUATIONS, excess, lower, upper, lower + share * (upper - lower));
  }

  /** Whether there are points on both sides of the target; adds points on the way there. */
  private boolean bracketed(UnivariateFunction excess) {
    for (int step = 0; step < MOST_STEPS; step++) {
      double first = excess.value(points.firstKey());
      double last = excess.value(points.lastKey());
      if (first >= 0.0 && last <= 0.0) {
        return true;
      }
      double end = first < 0.0 ? points.firstKey() : points.lastKey();
      double next = end + (first < 0.0 ? -BRACKET_STEP : BRACKET_STEP);
      try {
        double moved = Math.abs(excess.value(next) - excess.value(end));
        if (!(moved > STANDSTILL)) {
          return false;
        }
      } catch (ArithmeticException e) {
        // Beyond float64: the points so far give a bound that holds all the same.
        return false;
      }
    }
    return false;
  }
}
