package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.config.Mode;
import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which courses of the gap are worth a warning, and what is known before the first step. */
class RunWarningsTest {
  private static final double TOLERANCE = 1e-8;

  @TempDir Path folder;

  private static List<String> warnings(
      StepRuleKind rule, double clipFraction, int iterations, IntToDoubleFunction gap) {
    RunWarnings warnings =
        new RunWarnings(
            new RowProgram(
                Divergence.parse("forward-kl"),
                0.1,
                ClippedSurrogate.of(0.2),
                OptimizerKind.GRADIENT,
                rule,
                1.0,
                4,
                TOLERANCE),
            Mode.PRACTICAL);
    for (int n = 0; n <= iterations; n++) {
      warnings.write(
          new MetricRecord(
              n,
              Map.of(
                  MetricNames.GAP,
                  gap.applyAsDouble(n),
                  MetricNames.OPTIMUM,
                  1.0,
                  MetricNames.CLIPFRAC_BINDING,
                  clipFraction)));
    }
    return warnings.after();
  }

  private static double circle(int n) {
    return n < 100 ? 0.1 * Math.pow(0.97, n) : 5e-3 + 1e-3 * (n % 3);
  }

  @Test
  void circleIsNamedWithItsRangeAndTheFallsWithTheirNumber() {
    assertThat(warnings(StepRuleKind.FIXED, 0.0, 400, RunWarningsTest::circle))
        .containsExactly(
            "the gap goes in circles between 5.00e-03 and 7.00e-03 over the last 100 outer"
                + " iterations; use step-rule backtracking or safe, or a smaller"
                + " optimizer.step-size, 0.10 for instance",
            "the value fell in 201 of 400 outer iterations, by 1.10e-03 at most: step-rule fixed is"
                + " not certified at optimizer.step-size 1.0; use step-rule backtracking or safe, or"
                + " a smaller optimizer.step-size, 0.10 for instance");
    assertThat(warnings(StepRuleKind.SAFE, 0.0, 400, RunWarningsTest::circle))
        .hasSize(2)
        .allMatch(warning -> warning.contains("use step-rule backtracking, or "));
  }

  /** The policy still drifts a little where many states circle, each in its own time. */
  @Test
  void circleThatDriftsIsNamed() {
    assertThat(warnings(StepRuleKind.FIXED, 0.0, 400, n -> circle(n) * (1.0 - 1e-4 * n)).getFirst())
        .startsWith("the gap goes in circles between 4.80e-03 and 6.79e-03 over the last 100");
  }

  @Test
  void clipIsNamedWhereItIsActive() {
    assertThat(warnings(StepRuleKind.FIXED, 0.25, 400, RunWarningsTest::circle).getFirst())
        .contains(": clipped actions (clip fraction 0.25 with clip-epsilon 0.2) lose their")
        .contains("overshoots in 4 inner steps; use ");
  }

  /** Its falls are rounding: a step was taken because the surrogate rose. */
  @Test
  void certifiedStepsNeedNoWarning() {
    assertThat(warnings(StepRuleKind.BACKTRACKING, 0.3, 400, RunWarningsTest::circle)).isEmpty();
  }

  /** The outer iteration comes back to where it began, though its inner steps go in circles. */
  @Test
  void gapThatStandsStillUnderAnActiveClipIsNamed() {
    assertThat(warnings(StepRuleKind.FIXED, 0.3, 400, n -> 0.02 + 0.1 * Math.pow(0.8, n)))
        .hasSize(1)
        .first()
        .asString()
        .startsWith("the gap stays at 2.00e-02 over the last 100 outer iterations: clipped");
  }

  @ParameterizedTest
  @CsvSource({"0.9, 0.3", "0.999, 0.3", "0.99999, 0.3", "0.99999999, 0.0"})
  void slowDescentIsNotStuck(double ratio, double clipFraction) {
    assertThat(warnings(StepRuleKind.FIXED, clipFraction, 400, n -> 0.1 * Math.pow(ratio, n)))
        .isEmpty();
  }

  /** A step beyond the best one swings over the optimum and still comes closer. */
  @Test
  void descentWithRisesOnTheWayIsNotStuck() {
    assertThat(
            warnings(
                StepRuleKind.FIXED, 0.0, 400, n -> 0.1 * Math.pow(0.99, n) * (1.0 + 0.1 * (n % 2))))
        .hasSize(1)
        .first()
        .asString()
        .startsWith("the value fell in 200 of 400");
  }

  @ParameterizedTest
  @EnumSource(
      value = StepRuleKind.class,
      names = {"FIXED", "SAFE"})
  void endOfAConvergedRunIsNoCircle(StepRuleKind rule) {
    Random random = new Random(12L);
    assertThat(warnings(rule, 0.0, 400, n -> 0.1 * Math.pow(0.8, n) + 1e-13 * random.nextDouble()))
        .as("rounding")
        .isEmpty();
    assertThat(warnings(rule, 0.3, 400, n -> 0.5 * TOLERANCE * (1.0 + 1e-6 * (n % 2))))
        .as("within the tolerance")
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5, 18})
  void fewIterationsShowNoCircle(int iterations) {
    assertThat(warnings(StepRuleKind.FIXED, 0.3, iterations, n -> 0.1)).isEmpty();
  }

  private static final String ZEROS =
      "the optimum gives probability 0 to %s rows (chi2 has no barrier)";

  @Test
  void zerosOfABanditsOptimumAreToldOnce() {
    double[] uniform = RowFixture.logSoftmax(new double[4]);
    Path bandit =
        BanditFile.write(
            folder.resolve("bandit.safetensors"),
            new double[][] {uniform, uniform},
            new double[][] {{1.0, 0.0, 0.0, 0.9}, {0.5, 0.5, 0.5, 0.5}},
            new double[] {0.5, 0.5});
    String yaml =
        """
        problem: {import: %s}
        objective: {divergence: %s, lambda: %s}
        optimizer: {outer-iterations: 30}
        """;
    TrainedRun run = TrainedRun.of(folder, yaml.formatted(bandit, "chi2", 0.1));
    assertThat(run.warnings()).hasSize(1);
    assertThat(run.warnings().getFirst())
        .startsWith(ZEROS.formatted("2 actions in 1 of 2"))
        .contains("raise objective.lambda", "reverse-kl");
    assertThat(TrainedRun.of(folder, yaml.formatted(bandit, "chi2", 10.0)).warnings()).isEmpty();
    assertThat(TrainedRun.of(folder, yaml.formatted(bandit, "js", 0.1)).warnings()).isEmpty();
  }

  @Test
  void zerosOfAProcesssOptimumAreToldOnce() {
    Path file = folder.resolve("mdp.safetensors");
    MdpFile.write(file, MdpFixture.golden(), null);
    String yaml =
        """
        problem: {kind: mdp, import: %s, discount: 0.9}
        objective: {divergence: chi2, lambda: %s}
        optimizer: {outer-iterations: 30}
        """;
    assertThat(TrainedRun.of(folder, yaml.formatted(file, 0.01)).warnings())
        .hasSize(1)
        .first()
        .asString()
        .startsWith(ZEROS.formatted("2 actions in 2 of 2"));
    assertThat(TrainedRun.of(folder, yaml.formatted(file, 20.0)).warnings()).isEmpty();
  }

  @Test
  void optimumThatFloat64CannotPinDownIsTold() {
    Path file = folder.resolve("mdp.safetensors");
    MdpFile.write(file, MdpFixture.golden(), null);
    String yaml =
        """
        problem: {kind: mdp, import: %s, discount: %s}
        optimizer: {outer-iterations: 3, tolerance: 0}
        """;
    assertThat(TrainedRun.of(folder, yaml.formatted(file, 0.999999999999)).warnings())
        .hasSize(1)
        .first()
        .asString()
        .startsWith("the optimum is known within ");
    assertThat(TrainedRun.of(folder, yaml.formatted(file, 0.999)).warnings()).isEmpty();
  }
}
