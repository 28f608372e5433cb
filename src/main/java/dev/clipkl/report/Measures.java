package dev.clipkl.report;

import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.metrics.MetricNames;

/** What measures are called in a report. */
final class Measures {
  static final String POLICY_TO_REFERENCE = "KL(policy ‖ reference)";
  static final String REFERENCE_TO_POLICY = "KL(reference ‖ policy)";

  private Measures() {}

  /** What a match's policies have in common, as a heading. */
  static String matched(PolicyMatch match) {
    String measure = match.measure();
    if (measure == null) {
      return "Same λ = " + Numbers.of(match.target());
    }
    return "Same budget: %s = %s nats".formatted(name(measure), Numbers.of(match.target()));
  }

  /** A KL metric's name for people; any other metric's own name. */
  static String name(String metric) {
    return switch (metric) {
      case MetricNames.KL_POLICY_TO_REFERENCE -> POLICY_TO_REFERENCE;
      case MetricNames.KL_REFERENCE_TO_POLICY -> REFERENCE_TO_POLICY;
      default -> metric;
    };
  }
}
