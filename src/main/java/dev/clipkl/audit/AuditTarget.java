package dev.clipkl.audit;

import static dev.clipkl.audit.KlEstimator.ABS;
import static dev.clipkl.audit.KlEstimator.FORWARD_K1;
import static dev.clipkl.audit.KlEstimator.FORWARD_K3;
import static dev.clipkl.audit.KlEstimator.K1;
import static dev.clipkl.audit.KlEstimator.K2;
import static dev.clipkl.audit.KlEstimator.K3;

import java.util.Arrays;
import java.util.List;

/** A divergence to estimate, and the law whose samples it is estimated from. */
public enum AuditTarget {
  /** {@code KL(p || q)} from the policy's (or the sampler's) tokens, {@code r = q / p}. */
  REVERSE_KL("reverse KL(p||q)", "p", "q/p", List.of(K1, K2, K3, ABS)),

  /**
   * {@code KL(q || p)} from the policy's (or the sampler's) tokens, {@code r = q / p}. K3 stands
   * among its estimators for its gradient: as a number it estimates the other direction.
   */
  FORWARD_KL("forward KL(q||p)", "p", "q/p", List.of(FORWARD_K1, K2, FORWARD_K3, K3)),

  /**
   * {@code KL(q || p)} from the reference's tokens, {@code r = p / q}: the estimators of reverse KL
   * with the laws exchanged. The samples do not depend on the policy, so the loss is the only place
   * for them.
   */
  FORWARD_KL_FROM_REFERENCE("forward KL(q||p)", "q", "p/q", List.of(K1, K2, K3));

  private final String definition;
  private final String law;
  private final String ratio;

  @SuppressWarnings("ImmutableEnumChecker") // Made by List.of, which cannot be changed.
  private final List<KlEstimator> estimators;

  AuditTarget(String definition, String law, String ratio, List<KlEstimator> estimators) {
    this.definition = definition;
    this.law = law;
    this.ratio = ratio;
    this.estimators = estimators;
  }

  /** The divergence, in words and symbols. */
  public String definition() {
    return definition;
  }

  /** The law that is sampled: p stands for the policy or for its sampler. */
  public String law() {
    return law;
  }

  /** What the estimators call r. */
  public String ratio() {
    return ratio;
  }

  List<KlEstimator> estimators() {
    return estimators;
  }

  boolean isSampledFromReference() {
    return this == FORWARD_KL_FROM_REFERENCE;
  }

  List<ValueWeight> weights(boolean offPolicy) {
    return offPolicy && !isSampledFromReference()
        ? List.of(ValueWeight.values())
        : List.of(ValueWeight.NONE);
  }

  List<GradientPlacement> placements(boolean offPolicy) {
    if (isSampledFromReference()) {
      return List.of(GradientPlacement.LOSS);
    }
    return Arrays.stream(GradientPlacement.values())
        .filter(placement -> offPolicy || !placement.isOffPolicyOnly())
        .toList();
  }
}
