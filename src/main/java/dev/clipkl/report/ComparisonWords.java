package dev.clipkl.report;

import dev.clipkl.compare.ComparedPolicy;
import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.metrics.MetricNames;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What a comparison found, in sentences made from its numbers. */
final class ComparisonWords {
  private ComparisonWords() {}

  static List<String> sentences(Comparison comparison) {
    List<String> sentences = new ArrayList<>();
    for (PolicyMatch match : comparison.matches()) {
      sentences.add(match(match));
    }
    Frontier frontier = comparison.frontier();
    if (frontier != null) {
      sentences.add(frontier(frontier));
    }
    return sentences;
  }

  private static String match(PolicyMatch match) {
    String rewards =
        match.policies().stream()
            .map(policy ->
                "%s reaches an expected reward of %s (KL(p‖q) %s, KL(q‖p) %s nats)"
                    .formatted(
                        policy.divergence(),
                        Numbers.of(metric(policy, MetricNames.REWARD)),
                        Numbers.of(metric(policy, MetricNames.KL_POLICY_TO_REFERENCE)),
                        Numbers.of(metric(policy, MetricNames.KL_REFERENCE_TO_POLICY))))
            .collect(Collectors.joining("; "));
    String words = Measures.matched(match) + ": " + rewards + ".";
    if (match.policies().size() < 2) {
      return words;
    }
    return words + " " + coverage(match.policies());
  }

  /** Who covers the reference best, and who spreads over most tokens. */
  private static String coverage(List<ComparedPolicy> policies) {
    ComparedPolicy keeps =
        policies.stream()
            .max(Comparator.comparingDouble(policy -> policy.shape().referenceMassKept()))
            .orElseThrow();
    ComparedPolicy spreads =
        policies.stream()
            .max(Comparator.comparingDouble(policy -> policy.shape().effectiveTokens()))
            .orElseThrow();
    return "%s keeps most of what the reference says (%s of the mass on its main tokens), and %s spreads over most tokens (%s effective ones on average)."
        .formatted(
            keeps.divergence(),
            Numbers.percent(keeps.shape().referenceMassKept()),
            spreads.divergence(),
            Numbers.of(spreads.shape().effectiveTokens()));
  }

  private static String frontier(Frontier frontier) {
    return "The frontier has %s exact optima and %s trained policies."
        .formatted(
            Numbers.count(frontier.optima().size()), Numbers.count(frontier.trained().size()));
  }

  static double metric(ComparedPolicy policy, String name) {
    Double value = policy.metrics().get(name);
    return value == null ? Double.NaN : value;
  }
}
