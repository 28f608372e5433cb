package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.metrics.MetricNames;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class ComparisonChecksTest {
  private static final PolicyShape SHAPE = new PolicyShape(1, 1, 1, 1, 1, 1);

  private static Comparison with(List<PolicyMatch> matches, List<FrontierPoint> points) {
    return new Comparison(1, "name", List.of(), "f", matches, new Frontier(List.of(), points));
  }

  private static FrontierPoint point(double reward, double best, double otherBest) {
    return new FrontierPoint("js", 0.1, "runs/a", reward, 1.0, 2.0, best, otherBest);
  }

  @Test
  void rewardAboveEitherFrontierIsAViolationThatNamesTheRun() {
    assertThat(ComparisonChecks.violations(with(List.of(), List.of(point(0.5, 0.5, 0.6)))))
        .isEmpty();
    assertThat(ComparisonChecks.violations(with(List.of(), List.of(point(0.5, 0.4999999, 0.6)))))
        .singleElement()
        .asString()
        .contains(
            "js at lambda 0.1 (runs/a)", "reward 0.500000000000 lies above", "KL(p||q), 0.4999999");
    assertThat(ComparisonChecks.violations(with(List.of(), List.of(point(0.5, 0.6, 0.4)))))
        .singleElement()
        .asString()
        .contains("KL(q||p), 0.4");
  }

  @Test
  void boundThatIsNoNumberIsAViolation() {
    assertThat(
            ComparisonChecks.violations(
                with(List.of(), List.of(point(0.5, Double.NaN, Double.NaN)))))
        .hasSize(2);
    assertThat(ComparisonChecks.violations(with(List.of(), List.of(point(Double.NaN, 1.0, 1.0)))))
        .hasSize(2);
  }

  private static PolicyMatch match(double... achieved) {
    return new PolicyMatch(
        MetricNames.KL_POLICY_TO_REFERENCE,
        2.0,
        DoubleStream.of(achieved)
            .mapToObj(kl ->
                new ComparedPolicy(
                    "runs/a",
                    "js",
                    0.1,
                    new OptimumNumbers(1, 1, 1, 1, 1),
                    Map.of(MetricNames.KL_POLICY_TO_REFERENCE, kl),
                    SHAPE,
                    SHAPE,
                    1,
                    1,
                    1,
                    1,
                    ""))
            .toList(),
        List.of());
  }

  @Test
  void policiesThatDoNotShareTheirBudgetAreWarnedOf() {
    assertThat(ComparisonChecks.warnings(with(List.of(match(2.0, 1.9985, 1.999)), List.of())))
        .isEmpty();
    assertThat(ComparisonChecks.warnings(with(List.of(match(2.0, 1.99)), List.of())))
        .singleElement()
        .asString()
        .contains("0.50% of the budget", "lower optimizer.tolerance");
    assertThat(ComparisonChecks.warnings(with(List.of(match(2.0, Double.NaN)), List.of())))
        .hasSize(1);
  }
}
