package dev.clipkl.engine;

/** What a row program reports of one outer iteration, one number per row and metric. */
public enum RowMetric {
  /** {@code E_p[Q] - lambda D(p)}. */
  VALUE,
  /** {@code E_p[Q]}: the expected reward in the bandit. */
  ACTION_VALUE,
  /** The trained divergence D, nats. */
  DIVERGENCE,
  /** {@code KL(p || q)}, nats. */
  KL_POLICY_TO_REFERENCE,
  /** {@code KL(q || p)}, nats. */
  KL_REFERENCE_TO_POLICY,
  /** {@code -sum p log p}, nats. */
  ENTROPY,
  /** Exact distance to the row optimum; NaN when the optimum was not given. */
  GAP,
  /** {@code min_a log p_a}. */
  MIN_LOG_PROB,
  /** p_old-mass of the actions whose clip is active, averaged over the inner steps. */
  CLIPFRAC_BINDING,
  /** p_old-mass of the actions outside the ratio band, averaged over the inner steps. */
  CLIPFRAC_OUTSIDE_BAND,
  /** {@code min_a log(p_a / p_old,a)} over the outer iteration. */
  LOG_RATIO_MIN,
  /** {@code max_a log(p_a / p_old,a)} over the outer iteration. */
  LOG_RATIO_MAX,
  /** Variance of {@code p / p_old} under p_old. */
  RATIO_VARIANCE,
  /** {@code KL(p_old || p)}: the exact expectation of CleanRL's approx_kl. */
  APPROX_KL,
  /** Euclidean norm of the gradient at p_old. */
  GRAD_NORM,
  /** First accepted inner step, in the optimizer's own units. */
  STEP_SIZE,
  /** Inner steps taken. */
  STEPS_TAKEN,
  /** Trial steps that backtracking rejected. */
  STEPS_REJECTED,
  /** 1 when backtracking found no step and froze the row, else 0. */
  FROZEN;

  /** Number of metrics. */
  public static final int COUNT = values().length;

  /** Whether the metric describes the policy itself, and so stays when a row is finished. */
  public boolean describesPolicy() {
    return ordinal() <= MIN_LOG_PROB.ordinal();
  }
}
