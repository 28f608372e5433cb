package dev.clipkl.compare;

import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;

/** What must hold of a comparison. */
public final class ComparisonChecks {
  /** How far above the exact frontier rounding may put a reward, by its size or 1. */
  public static final double FRONTIER_ROUNDING = 1e-10;

  /** How far apart achieved budgets may be, as a share of the budget. */
  public static final double BUDGET_SPREAD = 1e-3;

  private ComparisonChecks() {}

  /** Every point above the exact frontier, a line each; no policy can be there. */
  public static List<String> violations(Comparison comparison) {
    List<String> violations = new ArrayList<>();
    Frontier frontier = comparison.frontier();
    if (frontier != null) {
      frontier.optima().forEach(point -> check(point, violations));
      frontier.trained().forEach(point -> check(point, violations));
    }
    return violations;
  }

  private static void check(FrontierPoint point, List<String> violations) {
    check(
        point,
        BudgetMeasure.POLICY_TO_REFERENCE,
        point.klPolicyToReference(),
        point.bestRewardPolicyToReference(),
        violations);
    check(
        point,
        BudgetMeasure.REFERENCE_TO_POLICY,
        point.klReferenceToPolicy(),
        point.bestRewardReferenceToPolicy(),
        violations);
  }

  private static void check(
      FrontierPoint point,
      BudgetMeasure measure,
      double spent,
      double best,
      List<String> violations) {
    // A policy without a probability somewhere spends without end; null in a file, NaN when read.
    boolean unlimited = !Double.isFinite(spent);
    if (!unlimited
        && !(point.reward() <= best + FRONTIER_ROUNDING * Math.max(1.0, Math.abs(best)))) {
      violations.add(
          String.format(
              Locale.ROOT,
              "%s at lambda %s (%s): reward %.12g lies above the exact frontier of %s, %.12g",
              point.divergence(),
              point.lambda(),
              point.run() == null ? "exact optimum" : point.run(),
              point.reward(),
              measure.symbol(),
              best));
    }
  }

  /**
   * How far apart the policies of a budget's match are, as a share of the budget: {@code (most -
   * least) / target} of what they achieved; 0 where lambda is what they share.
   */
  public static double spread(PolicyMatch match) {
    String measure = match.measure();
    if (measure == null) {
      return 0.0;
    }
    DoubleSummaryStatistics achieved =
        match.policies().stream()
            .mapToDouble(policy -> policy.metrics().getOrDefault(measure, Double.NaN))
            .summaryStatistics();
    return (achieved.getMax() - achieved.getMin()) / match.target();
  }

  /** A warning for every budget that the trained policies do not share closely. */
  public static List<String> warnings(Comparison comparison) {
    List<String> warnings = new ArrayList<>();
    for (PolicyMatch match : comparison.matches()) {
      if (!(spread(match) <= BUDGET_SPREAD)) {
        warnings.add(
            String.format(
                Locale.ROOT,
                "the trained policies' %s is apart by %.2g%% of the budget, expected at most"
                    + " %.2g%%: lower optimizer.tolerance (a divergence is as far from the optimum's"
                    + " as the root of the gap)",
                match.measure(),
                100.0 * spread(match),
                100.0 * BUDGET_SPREAD));
      }
    }
    return warnings;
  }
}
