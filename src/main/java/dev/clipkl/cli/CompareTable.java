package dev.clipkl.cli;

import dev.clipkl.compare.ComparedPolicy;
import dev.clipkl.compare.Comparison;
import dev.clipkl.compare.ComparisonChecks;
import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.FrontierPoint;
import dev.clipkl.compare.PolicyMatch;
import dev.clipkl.compare.PolicyShape;
import dev.clipkl.compare.TopOverlap;
import dev.clipkl.metrics.MetricNames;
import java.io.PrintWriter;
import java.util.Locale;

/** A comparison for a reader: a table per match, overlaps, the frontier. */
final class CompareTable {
  private final Comparison comparison;

  CompareTable(Comparison comparison) {
    this.comparison = comparison;
  }

  void print(PrintWriter text) {
    for (PolicyMatch match : comparison.matches()) {
      printMatch(match, text);
    }
    Frontier frontier = comparison.frontier();
    if (frontier != null) {
      printFrontier(frontier, text);
    }
  }

  private static void printMatch(PolicyMatch match, PrintWriter text) {
    text.println();
    text.println(heading(match));
    text.println(
        "              lambda  reward   KL(p||q)  KL(q||p)  exact gap  entropy  effective  mass kept"
            + "  tail mass  min prob  outer  rate per outer iteration");
    for (ComparedPolicy policy : match.policies()) {
      PolicyShape shape = policy.shape();
      text.printf(
          Locale.ROOT,
          "%-11s %8.4g  %.4f  %8.4f  %8.4f    %.1e  %7.3f  %9.1f  %9.4f    %.1e   %.1e  %5d  %s"
              + " (predicted %s)%n",
          policy.divergence(),
          policy.lambda(),
          metric(policy, MetricNames.REWARD),
          metric(policy, MetricNames.KL_POLICY_TO_REFERENCE),
          metric(policy, MetricNames.KL_REFERENCE_TO_POLICY),
          metric(policy, MetricNames.GAP),
          shape.entropy(),
          shape.effectiveTokens(),
          shape.referenceMassKept(),
          shape.tailMass(),
          shape.minProbability(),
          policy.outerIterations(),
          rate(policy.measuredRate()),
          rate(policy.predictedRate()));
    }
    for (TopOverlap overlap : match.overlaps()) {
      text.printf(
          Locale.ROOT,
          "  top %d of %s and %s: %.1f%% in common%n",
          overlap.count(),
          overlap.first(),
          overlap.second(),
          100.0 * overlap.share());
    }
  }

  private static String heading(PolicyMatch match) {
    if (match.measure() == null) {
      return "Same lambda, " + match.target();
    }
    return String.format(
        Locale.ROOT,
        "Same %s, %.6f nats (achieved within %.2g%%)",
        symbol(match.measure()),
        match.target(),
        100.0 * ComparisonChecks.spread(match));
  }

  private static String symbol(String measure) {
    return measure.equals(MetricNames.KL_POLICY_TO_REFERENCE) ? "KL(p||q)" : "KL(q||p)";
  }

  private static double metric(ComparedPolicy policy, String name) {
    return policy.metrics().getOrDefault(name, Double.NaN);
  }

  private static String rate(double rate) {
    return Double.isNaN(rate) ? "-" : String.format(Locale.ROOT, "%.3g", rate);
  }

  private static void printFrontier(Frontier frontier, PrintWriter text) {
    text.println();
    text.println("Frontier: the most reward that any policy has at the same divergence");
    text.println(
        "              lambda  policy    reward     KL(p||q)  most reward   KL(q||p)  most reward");
    frontier.optima().forEach(point -> printPoint(point, "exact", text));
    frontier.trained().forEach(point -> printPoint(point, "trained", text));
  }

  private static void printPoint(FrontierPoint point, String policy, PrintWriter text) {
    text.printf(
        Locale.ROOT,
        "%-11s %8.4g  %-7s  %.6f  %9.4f  %11.6f  %9.4f  %11.6f%n",
        point.divergence(),
        point.lambda(),
        policy,
        point.reward(),
        point.klPolicyToReference(),
        point.bestRewardPolicyToReference(),
        point.klReferenceToPolicy(),
        point.bestRewardReferenceToPolicy());
  }
}
