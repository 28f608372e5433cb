package dev.clipkl.exact;

import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ChiSquared;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.JensenShannon;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.SquaredHellinger;
import org.hipparchus.dfp.Dfp;
import org.hipparchus.dfp.DfpField;

/**
 * Primal and dual value of a row at a multiplier in 70 decimal digits, written out from THEORY 2.
 */
final class PreciseRow {
  private static final DfpField DIGITS = new DfpField(70);

  private final Divergence divergence;
  private final Dfp lambda;
  private final Dfp dual;
  private Dfp mass = DIGITS.getZero();
  private final Dfp[] reference;
  private final Dfp[] ratio;
  private final double[] actionValues;

  /**
   * @param offset as a row optimum's
   */
  PreciseRow(
      Divergence divergence,
      double lambda,
      double largest,
      double offset,
      double[] logReference,
      double[] actionValues) {
    this.divergence = divergence;
    this.lambda = number(lambda);
    this.actionValues = actionValues;
    Dfp multiplier = number(largest).add(number(offset)).subtract(this.lambda.multiply(supremum()));
    Dfp conjugates = DIGITS.getZero();
    reference = new Dfp[actionValues.length];
    ratio = new Dfp[actionValues.length];
    for (int a = 0; a < actionValues.length; a++) {
      reference[a] = number(logReference[a]).exp();
      Dfp distance =
          number(largest).subtract(number(actionValues[a])).add(number(offset)).divide(this.lambda);
      Dfp t = supremum().subtract(distance);
      ratio[a] = inverse(distance);
      conjugates =
          conjugates.add(reference[a].multiply(t.multiply(ratio[a]).subtract(value(ratio[a]))));
      mass = mass.add(reference[a].multiply(ratio[a]));
    }
    dual = multiplier.add(this.lambda.multiply(conjugates));
  }

  /** {@code nu + lambda sum q f*}, with {@code f* = t w - f(w)} at the maximiser w. */
  double dualLess(double x) {
    return dual.subtract(number(x)).toDouble();
  }

  /** {@code E_p[y] - lambda D(p)} of the normalised policy. */
  double primalLess(double x) {
    Dfp sum = DIGITS.getZero();
    for (int a = 0; a < ratio.length; a++) {
      Dfp w = ratio[a].divide(mass);
      sum =
          sum.add(
              reference[a].multiply(
                  w.multiply(number(actionValues[a])).subtract(lambda.multiply(value(w)))));
    }
    return sum.subtract(number(x)).toDouble();
  }

  private static Dfp number(double x) {
    return DIGITS.newDfp(x);
  }

  /** The digits of log 2 are needed here: in float64 they would shift the multiplier. */
  private Dfp supremum() {
    return switch (divergence) {
      case JensenShannon f -> number(2.0).log().divide(2);
      case ForwardKl f -> DIGITS.getOne();
      case SquaredHellinger f -> DIGITS.getOne();
      case AlphaDivergence f when f.alpha() < 1.0 ->
          DIGITS.getOne().divide(DIGITS.getOne().subtract(number(f.alpha())));
      default -> DIGITS.getZero();
    };
  }

  private Dfp value(Dfp w) {
    Dfp one = DIGITS.getOne();
    boolean none = w.isZero();
    return switch (divergence) {
      case ReverseKl f -> timesLog(w).subtract(w).add(one);
      case ForwardKl f -> w.subtract(one).subtract(w.log());
      case JensenShannon f ->
          timesLog(w).subtract(w.add(one).multiply(w.add(one).divide(2).log())).divide(2);
      case ChiSquared f -> w.subtract(one).multiply(w.subtract(one));
      case SquaredHellinger f -> w.sqrt().subtract(one).multiply(w.sqrt().subtract(one));
      case AlphaDivergence f -> {
        Dfp alpha = number(f.alpha());
        Dfp power = none ? DIGITS.getZero() : w.log().multiply(alpha).exp();
        yield power
            .subtract(alpha.multiply(w))
            .add(alpha)
            .subtract(one)
            .divide(alpha.multiply(alpha.subtract(one)));
      }
    };
  }

  /** {@code w log w}; near Dfp's own underflow its logarithm is NaN. */
  private static Dfp timesLog(Dfp w) {
    return w.lessThan(DIGITS.newDfp("1e-1000")) ? DIGITS.getZero() : w.multiply(w.log());
  }

  /** g at a distance below the supremum of f', or below 0 where it has none. */
  private Dfp inverse(Dfp distance) {
    Dfp one = DIGITS.getOne();
    return switch (divergence) {
      case ReverseKl f -> distance.negate().exp();
      case ForwardKl f -> one.divide(distance);
      // f' = log(2 w / (1 + w)) / 2.
      case JensenShannon f -> {
        Dfp x = distance.multiply(-2).exp();
        yield x.divide(one.subtract(x));
      }
      case ChiSquared f -> positive(one.subtract(distance.divide(2)));
      case SquaredHellinger f -> one.divide(distance.multiply(distance));
      case AlphaDivergence f -> {
        Dfp slope = number(f.alpha()).subtract(one);
        Dfp base =
            f.alpha() < 1.0
                ? slope.negate().multiply(distance)
                : positive(one.subtract(slope.multiply(distance)));
        yield base.isZero() ? base : base.log().divide(slope).exp();
      }
    };
  }

  private static Dfp positive(Dfp x) {
    return x.lessThan(DIGITS.getZero()) ? DIGITS.getZero() : x;
  }
}
