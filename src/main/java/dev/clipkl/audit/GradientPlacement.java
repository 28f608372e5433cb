package dev.clipkl.audit;

/**
 * Where a trainer puts an estimator k, and so which gradient it takes per sample.
 *
 * <p>For a token x of one row each of them is {@code c(x) grad log p(x) = c(x) (e_x - p)} with
 * respect to the row's logits; they differ in the coefficient c. Below, {@code rho = p(x) / mu(x)}
 * with mu the law that was sampled, {@code k' = dk / d log p(x)} with mu and the reference held
 * fixed, and sg is the stop-gradient.
 *
 * <p>In the reward: the penalty is a constant, and the score function carries the gradient; no
 * baseline is subtracted, which changes the noise but not the expectation. In the loss: k is
 * differentiated while the samples stay as they are.
 */
public enum GradientPlacement {
  /** {@code c = k}. */
  REWARD("reward", "k", false) {
    @Override
    double coefficient(double k, double slope, double ratio, double rolloutK) {
      return k;
    }
  },

  /** {@code c = k'}. */
  LOSS("loss", "k'", false) {
    @Override
    double coefficient(double k, double slope, double ratio, double rolloutK) {
      return slope;
    }
  },

  /**
   * {@code c = rho (k' + k)}: the loss is {@code rho k} and rho is differentiated, too. It differs
   * from LOSS even where {@code mu = p} and so {@code rho = 1}.
   */
  RATIO_LOSS("rho*loss", "rho (k' + k)", false) {
    @Override
    double coefficient(double k, double slope, double ratio, double rolloutK) {
      return ratio * (slope + k);
    }
  },

  /** {@code c = rho k}. Differentiating rho times a constant gives the same. */
  RATIO_REWARD("rho*reward", "rho k", true) {
    @Override
    double coefficient(double k, double slope, double ratio, double rolloutK) {
      return ratio * k;
    }
  },

  /**
   * {@code c = rho k_mu}, where {@code k_mu} is k with mu in the place of p: PPO subtracts the
   * penalty when it generates the tokens, and keeps that reward for all its epochs.
   */
  ROLLOUT_REWARD("rho*reward(mu)", "rho k_mu", true) {
    @Override
    double coefficient(double k, double slope, double ratio, double rolloutK) {
      return ratio * rolloutK;
    }
  },

  /** {@code c = rho k'}: the loss is {@code sg(rho) k}. */
  STOPPED_RATIO_LOSS("sg(rho)*loss", "rho k'", true) {
    @Override
    double coefficient(double k, double slope, double ratio, double rolloutK) {
      return ratio * slope;
    }
  };

  private final String label;
  private final String formula;
  private final boolean offPolicyOnly;

  GradientPlacement(String label, String formula, boolean offPolicyOnly) {
    this.label = label;
    this.formula = formula;
    this.offPolicyOnly = offPolicyOnly;
  }

  /** The name in the output. */
  public String label() {
    return label;
  }

  /** The coefficient of {@code grad log p(x)}. */
  public String formula() {
    return formula;
  }

  /** Whether it equals another placement where the policy samples for itself. */
  boolean isOffPolicyOnly() {
    return offPolicyOnly;
  }

  /**
   * The coefficient c of the score {@code grad log p(x)}.
   *
   * @param k the estimate, nats
   * @param slope {@code dk / d log p(x)}
   * @param ratio {@code rho = p(x) / mu(x)}
   * @param rolloutK the estimate with mu in the place of p, nats
   */
  abstract double coefficient(double k, double slope, double ratio, double rolloutK);
}
