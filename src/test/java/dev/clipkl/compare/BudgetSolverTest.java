package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.SequenceFile;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class BudgetSolverTest {
  private static final long SEED = 11;

  @TempDir private Path folder;

  private ComparedProblem bandit() {
    Path file = folder.resolve("bandit.safetensors");
    return ComparedProblem.open(
        BanditFile.write(file, 4, 300, TensorType.F32, SEED).path(), "", 10);
  }

  private ComparedProblem sequence() {
    Path file = SequenceFile.write(folder.resolve("sequence.safetensors"), 6, 200, SEED);
    return ComparedProblem.open(file, ", kind: sequence, discount: 0.8", 10);
  }

  static Stream<Arguments> everyDivergenceAndMeasure() {
    return ComparedProblem.DIVERGENCES.stream()
        .flatMap(divergence ->
            Stream.of(BudgetMeasure.values())
                .flatMap(measure ->
                    Stream.of(0.05, 0.4)
                        .filter(target ->
                            !(divergence.equals("chi2")
                                && measure == BudgetMeasure.REFERENCE_TO_POLICY
                                && target == 0.4))
                        .map(target -> Arguments.of(divergence, measure, target))));
  }

  @ParameterizedTest
  @MethodSource("everyDivergenceAndMeasure")
  void exactOptimumSpendsTheBudget(String name, BudgetMeasure measure, double target) {
    try (ComparedProblem problem = bandit()) {
      assertSpends(problem, name, measure, target);
    }
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl", "forward-kl"})
  void exactOptimumOfASequenceSpendsTheBudget(String name) {
    try (ComparedProblem problem = sequence()) {
      for (BudgetMeasure measure : BudgetMeasure.values()) {
        assertSpends(problem, name, measure, 0.2);
      }
    }
  }

  private static void assertSpends(
      ComparedProblem problem, String name, BudgetMeasure measure, double target) {
    Divergence divergence = Divergence.parse(name);
    double lambda =
        new BudgetSolver(problem.solver, problem.meter).lambda(measure, divergence, target, 0.1);
    MeasuredPolicy optimum = problem.meter.averages(problem.solver.solve(divergence, lambda));
    assertThat(measure.mean(optimum)).isCloseTo(target, within(1e-8 * target));
  }

  @Test
  void unreachableBudgetIsOneLineWithTheLimit() {
    try (ComparedProblem problem = bandit()) {
      BudgetSolver budgets = new BudgetSolver(problem.solver, problem.meter);
      for (String name : List.of("reverse-kl", "forward-kl")) {
        assertThatThrownBy(() ->
                budgets.lambda(
                    BudgetMeasure.POLICY_TO_REFERENCE, Divergence.parse(name), 50.0, 0.1))
            .isInstanceOf(InputException.class)
            .hasMessageStartingWith(
                "compare.budget: the optimum of %s cannot have 50.0000 nats of KL(p||q): at lambda "
                    .formatted(name))
            .hasMessageEndingWith(", its limit")
            .hasMessageNotContaining("\n");
      }
    }
  }

  @Test
  void budgetThatAnOptimumJumpsOverIsOneLine() {
    try (ComparedProblem problem = bandit()) {
      BudgetSolver budgets = new BudgetSolver(problem.solver, problem.meter);
      assertThatThrownBy(() ->
              budgets.lambda(BudgetMeasure.REFERENCE_TO_POLICY, Divergence.parse("chi2"), 0.4, 0.1))
          .isInstanceOf(InputException.class)
          .hasMessageMatching(
              "compare.budget: the optimum of chi2 cannot have 0.400000 nats of KL\\(q\\|\\|p\\):"
                  + " it jumps over them at lambda [0-9.]+");
    }
  }

  @Test
  void limitIsThatOfTheBestActionAlone() {
    try (ComparedProblem problem = bandit()) {
      double limit = 0.0;
      double[] logReference = new double[300];
      double[] rewards = new double[300];
      for (int s = 0; s < 4; s++) {
        problem.solver.problem().reference().readRow(s, logReference);
        problem.solver.problem().rewards().readRow(s, rewards);
        int best = 0;
        for (int a = 0; a < 300; a++) {
          best = rewards[a] > rewards[best] ? a : best;
        }
        limit -= logReference[best] / 4;
      }
      BudgetSolver budgets = new BudgetSolver(problem.solver, problem.meter);
      Divergence reverse = Divergence.parse("reverse-kl");
      BudgetMeasure measure = BudgetMeasure.POLICY_TO_REFERENCE;
      assertThat(budgets.lambda(measure, reverse, 0.999 * limit, 0.1)).isPositive();
      double tooMuch = 1.001 * limit;
      assertThatThrownBy(() -> budgets.lambda(measure, reverse, tooMuch, 0.1))
          .hasMessageContaining("it has %.4f".formatted(limit).substring(0, 12));
    }
  }
}
