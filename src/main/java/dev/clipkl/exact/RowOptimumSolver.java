package dev.clipkl.exact;

import dev.clipkl.engine.OptimumMass;
import dev.clipkl.engine.OptimumSums;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.RowExtent;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ChiSquared;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.JensenShannon;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.SquaredHellinger;

/**
 * Solves one row's problem {@code max_p E_p[y] - lambda D(p)} to the limits of float64 (THEORY 2).
 *
 * <p>The optimum is {@code p_a = q_a g((y_a - nu) / lambda)}, {@code g = (f')^{-1}}; the one
 * unknown nu makes the probabilities sum to 1. All divergences share one root finder for their mass
 * S. It is Newton's iteration on {@code S^{1/k}}, where {@code g} is a k-th power of a linear
 * function (forward KL and nearly Jensen-Shannon: k = -1; squared Hellinger: -2; chi-squared: 1;
 * alpha: {@code 1 / (alpha - 1)}; reverse KL: k to infinity, log S, solved by one step). {@code
 * S^{1/k}} is then a power mean of linear functions: concave and increasing in the offset for k
 * below 0, as in THEORY 2.3, convex and decreasing for k of at least 1. So the iteration, begun
 * where S is at least 1, approaches the root from one side. Where that does not hold
 * (Jensen-Shannon, alpha above 2) or rounding spoils it, a bracket and bisection take over.
 *
 * <p>The error bound is rigorous up to terms of second order in the rounding unit {@code u =
 * 2^-53}, and consists of
 *
 * <ul>
 *   <li>the value of the dual less that of the primal at the normalised policy {@code p / S}:
 *       {@code lambda sum_a q_a B_f(w_a / S, w_a) <= lambda e^{(c + 2) mu} mu^2 / 2 sum_a q_a w_a
 *       (w_a f''(w_a))} with {@code mu = |log S|}, since {@code w f''} changes by at most {@code
 *       e^{c mu}} when w changes by {@code e^mu};
 *   <li>rounding of the arguments {@code (h_a + offset) / lambda}, a few u each. The sums are exact
 *       for action values that differ from y by as much, and their optimum differs from that of y
 *       by at most the mean of the differences: {@code u lambda sum_a q_a w_a |t_a|};
 *   <li>rounding of every term of the dual's sum, a few u of its magnitude, and of nu. The sum
 *       itself is compensated and adds 2 u, whatever the number of actions.
 * </ul>
 */
public final class RowOptimumSolver {
  private static final int MOST_SWEEPS = 400;
  private static final int MOST_REFINEMENTS = 8;

  /** From here Newton's next iterate is within rounding of the root, or one step short of it. */
  private static final double CLOSE_TO_ROOT = 1e-7;

  /** A mass this near to 1 is not worth another sweep: 32 u. */
  private static final double UNIT_MASS_TOLERANCE = 0x1p-48;

  /**
   * More than a term of the dual value can be off, in any implementation: u for each rounding of q,
   * of the argument, of w, of f* and of their product, 2 u for the sum.
   */
  private static final double TERM_ROUNDINGS = 16.0 * 0x1p-53;

  /** nu is a sum of three numbers and the dual value one of two. */
  private static final double MULTIPLIER_ROUNDINGS = 4.0 * 0x1p-53;

  /** More than a sum of probabilities can be off: 16 u, times up to 400 nats of a power's log. */
  private static final double MASS_ROUNDING = 0x1p-40;

  private final Divergence divergence;
  private final double lambda;
  private final boolean hasSupremum;
  private final double power;

  /**
   * A solver for one objective.
   *
   * @param lambda above 0, finite
   */
  public RowOptimumSolver(Divergence divergence, double lambda) {
    if (!(lambda > 0.0 && lambda < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("lambda must be above 0 and finite, got " + lambda);
    }
    this.divergence = divergence;
    this.lambda = lambda;
    hasSupremum = divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
    power =
        switch (divergence) {
          case ReverseKl f -> Double.POSITIVE_INFINITY;
          case ForwardKl f -> -1.0;
          case JensenShannon f -> -1.0;
          case ChiSquared f -> 1.0;
          case SquaredHellinger f -> -2.0;
          case AlphaDivergence f -> 1.0 / (f.alpha() - 1.0);
        };
  }

  /**
   * The optimum of one row, by scalar sweeps.
   *
   * @param logReference log q, nats, {@code [actions]}; q need not be normalised beyond its storage
   * @param actionValues y, {@code [actions]}
   * @throws ArithmeticException when an input is not finite, or the optimum is beyond float64
   */
  public RowOptimum solve(double[] logReference, double[] actionValues) {
    return solve(
        new ScalarOptimumSweeps(divergence, lambda, actionValues.length),
        logReference,
        actionValues);
  }

  /**
   * The optimum of one row, by an engine's sweeps, which must be for this objective.
   *
   * @param logReference log q, nats, {@code [actions]}
   * @param actionValues y, {@code [actions]}
   * @throws ArithmeticException when an input is not finite, or the optimum is beyond float64
   */
  public RowOptimum solve(OptimumSweeps sweeps, double[] logReference, double[] actionValues) {
    RowExtent extent = sweeps.load(logReference, actionValues);
    return refined(sweeps, extent, rootOfMass(sweeps, extent));
  }

  /**
   * An offset whose mass is 1 within about {@link #CLOSE_TO_ROOT} squared.
   *
   * <p>The bracket: with all actions at the ratio {@code w = 1 / sum q} the mass is 1, so it is at
   * most 1 where the best action has that ratio, and at least 1 where the worst one has. Jensen's
   * inequality puts the start between them: g is convex (for alpha above 2 it is not, and the start
   * is a guess).
   */
  private double rootOfMass(OptimumSweeps sweeps, RowExtent extent) {
    double logUnit = -Math.log(extent.referenceMass());
    double unit =
        lambda
            * (hasSupremum ? divergence.belowSupremum(logUnit) : -divergence.derivative(logUnit));
    double upper = unit;
    double lower = unit - extent.span();
    // Reverse KL's step is exact from anywhere, so it begins where no exponential can overflow.
    double offset =
        Double.isInfinite(power) ? upper : unit - extent.meanDistance() / extent.referenceMass();
    if (hasSupremum) {
      lower = Math.max(lower, sweeps.loneActionOffset());
      offset = Math.max(offset, lower);
    }
    for (int i = 0; i < MOST_SWEEPS; i++) {
      OptimumMass point = sweeps.measure(offset);
      double next = offset + newtonStep(point.mass(), point.slope());
      if (Math.abs(point.mass() - 1.0) <= CLOSE_TO_ROOT || isExact(next, lower, upper)) {
        return next;
      }
      if (point.mass() > 1.0) {
        lower = offset;
      } else {
        upper = offset;
      }
      if (!(next > lower && next < upper)) {
        next = middle(lower, upper);
      }
      if (next == offset) {
        return offset;
      }
      offset = next;
    }
    return offset;
  }

  /** Reverse KL's step leads to the root from anywhere; NaN where a mass has vanished does not. */
  private boolean isExact(double next, double lower, double upper) {
    return Double.isInfinite(power) && next >= lower && next <= upper;
  }

  /** The step to the root of {@code S^{1/k} - 1}, linearised in the offset. */
  private double newtonStep(double mass, double slope) {
    double logMass = Math.log(mass);
    double move = Double.isInfinite(power) ? logMass : -power * Math.expm1(-logMass / power);
    return mass * move / slope;
  }

  /**
   * Where offsets are positive they range over many orders of magnitude: then their mean is
   * geometric.
   */
  private static double middle(double lower, double upper) {
    return lower > 0.0 ? Math.sqrt(lower) * Math.sqrt(upper) : 0.5 * (lower + upper);
  }

  /**
   * Certified at the offset, or after further Newton steps while they bring the mass nearer to 1.
   */
  private RowOptimum refined(OptimumSweeps sweeps, RowExtent extent, double start) {
    double offset = start;
    OptimumSums sums = sweeps.certify(offset);
    for (int i = 0; i < MOST_REFINEMENTS; i++) {
      double error = Math.abs(sums.mass() - 1.0);
      double next = offset + newtonStep(sums.mass(), sums.slope());
      if (error <= UNIT_MASS_TOLERANCE || next == offset || !Double.isFinite(next)) {
        break;
      }
      OptimumSums nextSums = sweeps.certify(next);
      if (!(Math.abs(nextSums.mass() - 1.0) < error)) {
        break;
      }
      offset = next;
      sums = nextSums;
    }
    return certified(extent, offset, sums);
  }

  private RowOptimum certified(RowExtent extent, double offset, OptimumSums sums) {
    double supremum = hasSupremum ? divergence.derivativeSupremum() : 0.0;
    double nu = extent.largestActionValue() + offset - lambda * supremum;
    double dual = nu + lambda * sums.conjugate();
    // f* may be the difference of a term and a constant, at most 1 or 1 / |alpha|.
    double constant =
        divergence instanceof AlphaDivergence f ? Math.max(1.0, 1.0 / Math.abs(f.alpha())) : 1.0;
    double rounding =
        MULTIPLIER_ROUNDINGS
                * (Math.abs(extent.largestActionValue()) + Math.abs(offset) + lambda * supremum)
            + TERM_ROUNDINGS
                * lambda
                * (constant * extent.referenceMass() + sums.magnitude() + sums.reach());
    double logMass = Math.abs(Math.log(sums.mass())) + MASS_ROUNDING;
    double steepest = divergence instanceof AlphaDivergence f ? Math.abs(f.alpha() - 1.0) : 1.0;
    double shortfall =
        0.5 * lambda * logMass * logMass * Math.exp((steepest + 2.0) * logMass) * sums.curvature();
    double errorBound = rounding + shortfall;
    if (!Double.isFinite(dual) || !Double.isFinite(errorBound)) {
      throw new ArithmeticException(
          "a row optimum of %s with lambda %s is beyond float64"
              .formatted(divergence.name(), lambda));
    }
    return new RowOptimum(extent.largestActionValue(), offset, dual, errorBound, sums.zeros());
  }

  /**
   * The optimal row policy {@code log p*}, nats, {@code [actions]}; negative infinity where it is
   * 0.
   */
  public double[] logPolicy(RowOptimum optimum, double[] logReference, double[] actionValues) {
    double[] logPolicy = new double[actionValues.length];
    fillLogPolicy(optimum, logReference, actionValues, logPolicy);
    return logPolicy;
  }

  /** The same into {@code logPolicy}, {@code [actions]}. */
  public void fillLogPolicy(
      RowOptimum optimum, double[] logReference, double[] actionValues, double[] logPolicy) {
    for (int a = 0; a < logPolicy.length; a++) {
      logPolicy[a] =
          logReference[a]
              + divergence.logInverseDerivative(
                  optimum.conjugateArgument(actionValues[a], lambda, hasSupremum));
    }
  }
}
