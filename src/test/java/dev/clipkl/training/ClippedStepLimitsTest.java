package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.RowSmoothness;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Where constant steps end (THEORY 5.2, 5.4), on the theory's bandit: one state, six actions, and
 * the cure by certified steps.
 */
class ClippedStepLimitsTest {
  private static final double LAMBDA = 0.1;

  /** The theory's L for this bandit, {@code (lambda + span) / 2}: its steps are 0.44 of ours. */
  private static final double THEORY_SMOOTHNESS = 0.55;

  private static final double TOLERANCE = 1e-8;

  @TempDir Path folder;

  private Path bandit = Path.of("");

  /** The theory's unit step in units of ours. */
  private final double theoryUnit =
      RowSmoothness.constant(Divergence.parse("forward-kl"), LAMBDA, 1.0) / THEORY_SMOOTHNESS;

  @BeforeEach
  void writeBandit() {
    double[] zipf = IntStream.rangeClosed(1, 6).mapToDouble(rank -> -Math.log(rank)).toArray();
    bandit =
        BanditFile.write(
            folder.resolve("bandit.safetensors"),
            new double[][] {RowFixture.logSoftmax(zipf)},
            new double[][] {{0.1, 0.9, 0.3, 1.0, 0.0, 0.6}},
            new double[] {1.0});
  }

  private TrainedRun run(
      String divergence,
      String rule,
      double stepSize,
      int innerSteps,
      double clipEpsilon,
      int outerIterations,
      String... more) {
    return TrainedRun.of(
        folder,
        """
        problem: {import: %s}
        objective: {divergence: %s, lambda: %s, clip-epsilon: %s}
        optimizer: {kind: gradient, step-rule: %s, step-size: %s, inner-steps: %d, outer-iterations: %d, tolerance: %s}
        run: {engine: reference}
        %s
        """
            .formatted(
                bandit,
                divergence,
                LAMBDA,
                clipEpsilon,
                rule,
                stepSize,
                innerSteps,
                outerIterations,
                TOLERANCE,
                String.join("\n", more)));
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl, 5e-2, 1e-4", "forward-kl, 0.39, 1e-3"})
  void clipCannotSaveOneStepThatIsTooLong(String divergence, double largest, double least) {
    TrainedRun run = run(divergence, "fixed", 100.0 * theoryUnit, 1, 0.2, 2000);
    assertThat(run.reason()).isEqualTo(StopReason.ITERATIONS);
    assertThat(run.largestLaterGap()).isGreaterThan(largest);
    assertThat(run.leastLaterGap()).isGreaterThan(least);
    assertThat(run.falls()).isGreaterThan(200);
    assertThat(run.warnings()).hasSize(3);
    assertThat(run.warnings().get(0)).contains("optimizer.step-size 44.0", "beyond 1 unit step");
    assertThat(run.warnings().get(1))
        .startsWith("the gap goes in circles between ")
        .contains("over the last 500 outer iterations; use step-rule backtracking or safe")
        .contains("optimizer.step-size, 1.0 for instance");
    assertThat(run.warnings().get(2))
        .startsWith("the value fell in " + run.falls() + " of 2000 outer iterations, by ");
  }

  /** A policy near a vertex has no gradient left: the value creeps, it does not fall. */
  @Test
  void stepThatThrowsThePolicyOntoOneActionStaysThere() {
    TrainedRun run = run("reverse-kl", "fixed", 100.0, 1, 0.2, 2000);
    assertThat(run.falls()).isZero();
    assertThat(run.finalGap()).isGreaterThan(5e-2);
    assertThat(run.warnings()).hasSize(2);
    assertThat(run.warnings().get(1))
        .startsWith("the gap stays at 8.66e-02 over the last 500 outer iterations; use ");
  }

  @Test
  void stepThatIsSoundWithoutClipIsCaughtByTheClip() {
    assertThat(run("forward-kl", "fixed", theoryUnit, 1, 0.05, 4000).reason())
        .as("K = 1 never meets the clip")
        .isEqualTo(StopReason.CONVERGED);
    TrainedRun caught = run("forward-kl", "fixed", theoryUnit, 16, 0.05, 4000);
    assertThat(caught.reason()).isEqualTo(StopReason.ITERATIONS);
    assertThat(caught.leastLaterGap()).isBetween(8e-3, 1e-2);
    assertThat(caught.falls()).isPositive();
    assertThat(caught.warnings()).hasSize(2);
    assertThat(caught.warnings().get(0))
        .startsWith(
            "the gap stays at 8.59e-03 over the last 1000 outer iterations: clipped actions")
        .contains(
            "with clip-epsilon 0.05)", "overshoots in 16 inner steps", ", 0.044 for instance");
    assertThat(caught.warnings().get(1)).startsWith("the value fell in ").contains("of 4000 ");
    assertConvergesQuietly(run("forward-kl", "fixed", 0.044, 16, 0.05, 4000));
    assertConvergesQuietly(run("forward-kl", "safe", 1.0, 16, 0.05, 4000));
    assertConvergesQuietly(run("forward-kl", "backtracking", 1.0, 16, 0.05, 4000));
  }

  @ParameterizedTest
  @ValueSource(strings = {"reverse-kl", "forward-kl"})
  void narrowClipAndManyInnerStepsCircleWhereCertifiedStepsAreSlow(String divergence) {
    TrainedRun fixed = run(divergence, "fixed", theoryUnit, 64, 1e-3, 2000);
    assertThat(fixed.leastLaterGap()).isGreaterThan(1e-2);
    assertThat(fixed.largestLaterGap()).isLessThan(6e-2);
    assertThat(fixed.falls()).isGreaterThan(200);
    assertThat(fixed.warnings()).hasSize(2);
    assertThat(fixed.warnings().getFirst())
        .startsWith("the gap goes in circles between ")
        .contains("overshoots in 64 inner steps", ", 0.0010 for instance");
    for (String rule : new String[] {"backtracking", "safe"}) {
      TrainedRun certified = run(divergence, rule, 1.0, 64, 1e-3, 2000);
      assertThat(certified.reason()).as(rule).isEqualTo(StopReason.ITERATIONS);
      assertThat(certified.falls()).as(rule).isZero();
      assertThat(certified.finalGap()).as(rule).isLessThan(0.5 * certified.gaps()[1000]);
      assertThat(certified.warnings()).as(rule).isEmpty();
    }
    TrainedRun remedied = run(divergence, "fixed", 0.001, 64, 1e-3, 2000);
    assertThat(remedied.falls()).isZero();
    assertThat(remedied.finalGap()).isLessThan(0.5 * remedied.gaps()[500]);
    assertThat(remedied.warnings()).isEmpty();
  }

  /** What mode faithful forbids is no advice there. */
  @Test
  void faithfulRunIsToldOfPracticalMode() {
    TrainedRun run =
        TrainedRun.of(
            folder,
            String.format(
                Locale.ROOT,
                """
                problem: {import: %s}
                objective: {divergence: forward-kl, lambda: %s, clip-epsilon: 0.05}
                optimizer: {step-size: 1.5, inner-steps: 16, outer-iterations: 100}
                mode: faithful
                """,
                bandit,
                LAMBDA));
    assertThat(run.warnings())
        .hasSize(3)
        .allMatch(warning -> warning.contains("mode practical"))
        .noneMatch(warning -> warning.contains("backtracking"));
  }

  private static void assertConvergesQuietly(TrainedRun run) {
    assertThat(run.reason()).isEqualTo(StopReason.CONVERGED);
    assertThat(run.falls()).isZero();
    assertThat(run.warnings()).isEmpty();
  }
}
