package dev.clipkl.metrics;

/** Names of metrics, as every sink writes them; GLOSSARY.md has the formula of each. */
public final class MetricNames {
  public static final String VALUE = "objective/value";
  public static final String OPTIMUM = "objective/optimum";
  public static final String GAP = "objective/gap";
  public static final String REWARD = "objective/reward";
  public static final String DIVERGENCE = "objective/divergence";
  public static final String KL_POLICY_TO_REFERENCE = "objective/kl_policy_to_reference";
  public static final String KL_REFERENCE_TO_POLICY = "objective/kl_reference_to_policy";
  public static final String ENTROPY = "objective/entropy";
  public static final String CLIPFRAC_BINDING = "policy/clipfrac_binding";
  public static final String CLIPFRAC_OUTSIDE_BAND = "policy/clipfrac_outside_band";
  public static final String RATIO_MIN = "policy/ratio_min";
  public static final String RATIO_MAX = "policy/ratio_max";
  public static final String RATIO_VAR = "policy/ratio_var";
  public static final String APPROX_KL = "policy/approxkl";
  public static final String MIN_PROB = "policy/min_prob";
  public static final String GRAD_NORM = "policy/grad_norm";
  public static final String STEP_SIZE = "policy/step_size";
  public static final String STEPS_TAKEN = "policy/steps_taken";
  public static final String REJECTED_STEPS = "policy/rejected_steps";
  public static final String ROWS_FINISHED = "rows/finished";
  public static final String ROWS_FROZEN = "rows/frozen";
  public static final String RATE_MEASURED = "rate/measured";
  public static final String SECONDS = "time/seconds";
  public static final String ENTRIES_PER_SECOND = "throughput/entries_per_second";

  private MetricNames() {}
}
