package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;

/**
 * Solves one row's problem {@code max_p E_p[y] - lambda D(p)} to the limits of float64 (THEORY 2).
 *
 * <p>The optimum is {@code p_a = q_a g((y_a - nu) / lambda)}, {@code g = (f')^{-1}}; the one
 * unknown nu makes the probabilities sum to 1. Reverse KL has a closed form (2.2), forward KL a
 * Newton iteration that never overshoots (2.3), every other divergence a safeguarded one (2.4,
 * 2.5).
 */
public final class RowOptimumSolver {
  private static final int MOST_ITERATIONS = 200;

  private final Divergence divergence;
  private final double lambda;

  /**
   * A solver for one objective.
   *
   * @param lambda above 0
   */
  public RowOptimumSolver(Divergence divergence, double lambda) {
    if (!(lambda > 0.0)) {
      throw new IllegalArgumentException("lambda must be above 0, got " + lambda);
    }
    this.divergence = divergence;
    this.lambda = lambda;
  }

  /**
   * The optimum of one row.
   *
   * @param logReference log q, normalised, nats, {@code [actions]}
   * @param actionValues y, {@code [actions]}
   * @throws ArithmeticException when an input is not finite
   */
  public RowOptimum solve(double[] logReference, double[] actionValues) {
    double largest = Double.NEGATIVE_INFINITY;
    double least = Double.POSITIVE_INFINITY;
    double check = 0.0;
    for (int a = 0; a < actionValues.length; a++) {
      largest = Math.max(largest, actionValues[a]);
      least = Math.min(least, actionValues[a]);
      check += actionValues[a] + logReference[a];
    }
    if (!Double.isFinite(check)) {
      throw new ArithmeticException("a row optimum needs finite rewards and log-probabilities");
    }
    double[] distance = new double[actionValues.length];
    double[] reference = new double[actionValues.length];
    for (int a = 0; a < distance.length; a++) {
      distance[a] = largest - actionValues[a];
      reference[a] = Math.exp(logReference[a]);
    }
    double offset =
        switch (divergence) {
          case ReverseKl f -> logPartition(reference, distance);
          case ForwardKl f -> forwardKlOffset(reference, distance);
          default ->
              hasSupremum()
                  ? boundedOffset(reference, distance)
                  : unboundedOffset(reference, distance, largest - least);
        };
    return certify(reference, actionValues, largest, offset);
  }

  private boolean hasSupremum() {
    return divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
  }

  /** {@code lambda log sum_a q_a e^{-h_a / lambda}} (2.2). */
  private double logPartition(double[] reference, double[] distance) {
    double sum = 0.0;
    for (int a = 0; a < distance.length; a++) {
      sum += reference[a] * Math.exp(-distance[a] / lambda);
    }
    return lambda * Math.log(sum);
  }

  /**
   * The root of {@code S(x) = sum_a lambda q_a / (x + h_a) = 1} (2.3). 1/S is increasing and
   * concave, so Newton's iteration on it, from a point where S is at least 1, increases to the
   * root.
   */
  private double forwardKlOffset(double[] reference, double[] distance) {
    double meanDistance = 0.0;
    double offset = 0.0;
    for (int a = 0; a < distance.length; a++) {
      meanDistance += reference[a] * distance[a];
      offset = Math.max(offset, lambda * reference[a] - distance[a]);
    }
    offset = Math.max(offset, lambda - meanDistance);
    double rounding = 4e-16 * Math.sqrt(distance.length);
    for (int i = 0; i < MOST_ITERATIONS; i++) {
      double sum = 0.0;
      double slope = 0.0;
      for (int a = 0; a < distance.length; a++) {
        double probability = lambda * reference[a] / (offset + distance[a]);
        sum += probability;
        slope += probability / (offset + distance[a]);
      }
      double next = offset + sum * (sum - 1.0) / slope;
      if (!(sum - 1.0 > rounding) || !(next > offset)) {
        return offset;
      }
      offset = next;
    }
    return offset;
  }

  /**
   * Newton on {@code log S} against {@code log offset}, bisecting where it leaves the bracket
   * (2.4).
   */
  private double boundedOffset(double[] reference, double[] distance) {
    double supremum = divergence.derivativeSupremum();
    double upper = lambda * supremum;
    double lower = 0.0;
    for (int a = 0; a < distance.length; a++) {
      // One action alone may not exceed probability 1.
      double belowSupremum = supremum - divergence.derivative(-Math.log(reference[a]));
      lower = Math.max(lower, lambda * belowSupremum - distance[a]);
    }
    lower = Math.min(lower, upper);
    double offset = lower > 0.0 ? lower : upper;
    for (int i = 0; i < MOST_ITERATIONS; i++) {
      double sum = 0.0;
      double slope = 0.0;
      for (int a = 0; a < distance.length; a++) {
        double logRatio = divergence.logInverseDerivative((offset + distance[a]) / lambda);
        double probability = reference[a] * Math.exp(logRatio);
        sum += probability;
        slope += probability / (lambda * divergence.curvature(logRatio));
      }
      if (sum > 1.0) {
        lower = offset;
      } else {
        upper = offset;
      }
      double next = offset * Math.exp(Math.log(sum) * sum / (slope * offset));
      if (!(next > lower && next < upper)) {
        next = 0.5 * (lower + upper);
      }
      if (Math.abs(sum - 1.0) <= 1e-15 || next == offset) {
        return offset;
      }
      offset = next;
    }
    return offset;
  }

  /** Newton on the decreasing, piecewise smooth S within {@code nu in [min y, max y]} (2.5). */
  private double unboundedOffset(double[] reference, double[] distance, double span) {
    double lower = -span;
    double upper = 0.0;
    double offset = lower;
    for (int i = 0; i < MOST_ITERATIONS; i++) {
      double sum = 0.0;
      double slope = 0.0;
      for (int a = 0; a < distance.length; a++) {
        double logRatio = divergence.logInverseDerivative(-(offset + distance[a]) / lambda);
        if (logRatio > Double.NEGATIVE_INFINITY) {
          double probability = reference[a] * Math.exp(logRatio);
          sum += probability;
          slope += probability / (lambda * divergence.curvature(logRatio));
        }
      }
      if (sum > 1.0) {
        lower = offset;
      } else {
        upper = offset;
      }
      double next = offset + (sum - 1.0) / slope;
      if (!(next > lower && next < upper)) {
        next = 0.5 * (lower + upper);
      }
      if (Math.abs(sum - 1.0) <= 1e-15 || next == offset) {
        return offset;
      }
      offset = next;
    }
    return offset;
  }

  /** Dual value less the primal value of the normalised policy: the solution's own error bound. */
  private RowOptimum certify(
      double[] reference, double[] actionValues, double largest, double offset) {
    boolean bounded = hasSupremum();
    RowOptimum unchecked = new RowOptimum(largest, offset, 0.0, 0.0, 0);
    double conjugate = 0.0;
    double mass = 0.0;
    double shortfall = 0.0;
    int zeros = 0;
    for (int a = 0; a < actionValues.length; a++) {
      double t = unchecked.conjugateArgument(actionValues[a], lambda, bounded);
      double logRatio = divergence.logInverseDerivative(t);
      conjugate += reference[a] * divergence.conjugate(t);
      if (logRatio == Double.NEGATIVE_INFINITY) {
        zeros++;
      }
      mass += reference[a] * Math.exp(logRatio);
    }
    double nu = largest + offset - (bounded ? lambda * divergence.derivativeSupremum() : 0.0);
    double dual = nu + lambda * conjugate;
    double logMass = Math.log(mass);
    for (int a = 0; a < actionValues.length; a++) {
      double t = unchecked.conjugateArgument(actionValues[a], lambda, bounded);
      double logRatio = divergence.logInverseDerivative(t) - logMass;
      shortfall += reference[a] * divergence.fenchelYoung(logRatio, t);
    }
    return new RowOptimum(largest, offset, dual, lambda * shortfall, zeros);
  }

  /**
   * The optimal row policy {@code log p*}, nats, {@code [actions]}; negative infinity where it is
   * 0.
   */
  public double[] logPolicy(RowOptimum optimum, double[] logReference, double[] actionValues) {
    double[] logPolicy = new double[actionValues.length];
    for (int a = 0; a < logPolicy.length; a++) {
      logPolicy[a] =
          logReference[a]
              + divergence.logInverseDerivative(
                  optimum.conjugateArgument(actionValues[a], lambda, hasSupremum()));
    }
    return logPolicy;
  }
}
