package dev.clipkl.audit;

/** How samples of an older policy mu are turned into a number to report. */
public enum ValueWeight {
  /** {@code k(x)}: as if the samples were the policy's own. */
  NONE("k") {
    @Override
    double value(double k, double ratio, double rolloutK) {
      return k;
    }
  },

  /** {@code rho k(x)}, {@code rho = p(x) / mu(x)}: importance correction. */
  RATIO("rho*k") {
    @Override
    double value(double k, double ratio, double rolloutK) {
      return ratio * k;
    }
  },

  /** k with mu in the place of p, as it is computed when the tokens are generated. */
  ROLLOUT("k_mu") {
    @Override
    double value(double k, double ratio, double rolloutK) {
      return rolloutK;
    }
  };

  private final String label;

  ValueWeight(String label) {
    this.label = label;
  }

  /** The name in the output. */
  public String label() {
    return label;
  }

  abstract double value(double k, double ratio, double rolloutK);
}
