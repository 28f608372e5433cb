package dev.clipkl.compare;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Policies that have something in common.
 *
 * @param measure the metric's name ({@code objective/kl_policy_to_reference} or {@code
 *     objective/kl_reference_to_policy}) that the exact optima share; null when it is lambda
 * @param target the shared number: lambda, or nats of the measure
 * @param policies one per divergence
 * @param overlaps of each pair of them, and of each with the reference
 */
public record PolicyMatch(
    @Nullable String measure,
    double target,
    List<ComparedPolicy> policies,
    List<TopOverlap> overlaps) {
  public PolicyMatch {
    policies = List.copyOf(policies);
    overlaps = List.copyOf(overlaps);
  }
}
