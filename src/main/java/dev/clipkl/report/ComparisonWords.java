package dev.clipkl.report;

import dev.clipkl.compare.ComparedPolicy;
import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.FrontierPoint;
import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.metrics.MetricNames;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** What a comparison found, in sentences made from its numbers. */
final class ComparisonWords {
  private ComparisonWords() {}

  static List<String> sentences(Comparison comparison) {
    List<String> sentences = new ArrayList<>();
    if (comparison.matches().isEmpty()) {
      sentences.add(
          "This comparison has no policies side by side; name its runs’ directories for a report of"
              + " them.");
    }
    for (PolicyMatch match : comparison.matches()) {
      sentences.add(match(match));
    }
    double largest =
        comparison.matches().stream()
            .flatMap(match -> match.policies().stream())
            .mapToDouble(policy -> metric(policy, MetricNames.GAP))
            .max()
            .orElse(Double.NaN);
    if (Double.isFinite(largest)) {
      sentences.add(
          "No policy is further than %s from its exact optimum.".formatted(Numbers.small(largest)));
    }
    Frontier frontier = comparison.frontier();
    if (frontier != null) {
      frontier.trained().stream()
          .map(FrontierPoint::divergence)
          .distinct()
          .forEach(divergence -> sentences.add(frontier(frontier, divergence)));
    }
    return sentences;
  }

  private static String match(PolicyMatch match) {
    List<ComparedPolicy> policies = match.policies();
    return "%s: expected reward %s, at %s nats of KL(p‖q) and %s of KL(q‖p). %s %s of the mass on the reference’s main tokens, and %s over %s effective tokens on average."
        .formatted(
            Measures.matched(match),
            listed(
                policies,
                policy ->
                    "%s (%s)"
                        .formatted(
                            Numbers.of(metric(policy, MetricNames.REWARD)), policy.divergence())),
            listed(
                policies, policy -> Numbers.of(metric(policy, MetricNames.KL_POLICY_TO_REFERENCE))),
            listed(
                policies, policy -> Numbers.of(metric(policy, MetricNames.KL_REFERENCE_TO_POLICY))),
            policies.size() == 1 ? "It keeps" : "They keep",
            listed(policies, policy -> Numbers.percent(policy.shape().referenceMassKept())),
            policies.size() == 1 ? "spreads" : "spread",
            listed(policies, policy -> Numbers.of(policy.shape().effectiveTokens())));
  }

  private static String frontier(Frontier frontier, String divergence) {
    List<FrontierPoint> trained =
        frontier.trained().stream().filter(point -> point.divergence().equals(divergence)).toList();
    return "Trained along the frontier, %s stays below the most possible reward by at most %s at the same KL(p‖q), and by at most %s at the same KL(q‖p)."
        .formatted(
            divergence,
            most(trained, point -> point.bestRewardPolicyToReference() - point.reward()),
            most(trained, point -> point.bestRewardReferenceToPolicy() - point.reward()));
  }

  private static String most(
      List<FrontierPoint> points, ToDoubleFunction<FrontierPoint> shortfall) {
    return Numbers.small(points.stream().mapToDouble(shortfall).max().orElse(Double.NaN));
  }

  /** {@code a}, {@code a and b}, {@code a, b and c}. */
  private static String listed(
      List<ComparedPolicy> policies, Function<ComparedPolicy, String> words) {
    List<String> texts = policies.stream().map(words).toList();
    int last = texts.size() - 1;
    return last < 1
        ? String.join("", texts)
        : String.join(", ", texts.subList(0, last)) + " and " + texts.get(last);
  }

  static double metric(ComparedPolicy policy, String name) {
    Double value = policy.metrics().get(name);
    return value == null ? Double.NaN : value;
  }
}
