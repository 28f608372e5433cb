package dev.clipkl.audit;

import dev.clipkl.objective.Exponentials;

/**
 * A per-sample estimator of a KL divergence, after John Schulman's note "Approximating KL
 * divergence". A token x is drawn from some law a; b is the other law, and {@code r = b(x) / a(x)}.
 *
 * <p>K1, K2, K3 and ABS estimate {@code KL(a || b)}, from the law that is the divergence's first
 * argument. FORWARD_K1 and FORWARD_K3 estimate {@code KL(b || a)}, whose first argument is not the
 * law that was sampled: {@code E_a[r log r] = KL(b || a)}.
 *
 * <p>All functions take {@code log r}, nats, and r itself, which is computed once for all of them.
 * NaN in gives NaN out; a ratio beyond float64 gives infinity or NaN.
 */
public enum KlEstimator {
  /** {@code k1 = -log r}, unbiased. */
  K1("k1", "-log r") {
    @Override
    double value(double logR, double r) {
      return -logR;
    }

    @Override
    double slope(double logR, double r) {
      return -1.0;
    }
  },

  /** {@code k2 = (log r)^2 / 2}, biased, right to second order for either direction. */
  K2("k2", "(log r)^2/2") {
    @Override
    double value(double logR, double r) {
      return 0.5 * logR * logR;
    }

    @Override
    double slope(double logR, double r) {
      return logR;
    }
  },

  /** {@code k3 = (r - 1) - log r >= 0}, unbiased: k1 with the control variate {@code r - 1}. */
  K3("k3", "(r-1) - log r") {
    @Override
    double value(double logR, double r) {
      return isNearOne(logR) ? Exponentials.expMinusLinear(logR) : r - 1.0 - logR;
    }

    @Override
    double slope(double logR, double r) {
      return isNearOne(logR) ? Math.expm1(logR) : r - 1.0;
    }
  },

  /** {@code |log r|}, biased upwards. */
  ABS("abs", "|log r|") {
    @Override
    double value(double logR, double r) {
      return Math.abs(logR);
    }

    @Override
    double slope(double logR, double r) {
      return Math.signum(logR);
    }
  },

  /** {@code r log r}, unbiased for {@code KL(b || a)}: k1 of samples from b, weighted by r. */
  FORWARD_K1("r log r", "r log r") {
    @Override
    double value(double logR, double r) {
      return r * logR;
    }

    @Override
    double slope(double logR, double r) {
      return r * (1.0 + logR);
    }
  },

  /** {@code r log r - (r - 1) >= 0}, unbiased for {@code KL(b || a)}: the same control variate. */
  FORWARD_K3("r log r - (r-1)", "r log r - (r-1)") {
    @Override
    double value(double logR, double r) {
      return isNearOne(logR) ? r * Exponentials.expMinusLinear(-logR) : r * logR - (r - 1.0);
    }

    @Override
    double slope(double logR, double r) {
      return r * logR;
    }
  };

  /** Where differences from r would lose digits. */
  private static final double NEAR_ONE = 0.25;

  private final String label;
  private final String formula;

  KlEstimator(String label, String formula) {
    this.label = label;
    this.formula = formula;
  }

  /** The name under which it is known. */
  public String label() {
    return label;
  }

  /** The formula in {@code r}. */
  public String formula() {
    return formula;
  }

  private static boolean isNearOne(double logR) {
    return Math.abs(logR) < NEAR_ONE;
  }

  /** The estimate that one sample gives, nats. */
  abstract double value(double logR, double r);

  /** The derivative of {@link #value} with respect to {@code log r}. */
  abstract double slope(double logR, double r);
}
