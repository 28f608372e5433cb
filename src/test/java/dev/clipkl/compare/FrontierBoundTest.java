package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.endtoend.SequenceFile;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.table.TensorType;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weak duality, and where it is tight, over all kinds of problems. */
class FrontierBoundTest {
  private static final double[] LAMBDAS = {0.03, 0.2, 1.5};

  /** What float64 sums, and the root's accuracy to second order, leave. */
  private static final double ROUNDING = 1e-9;

  @TempDir private Path folder;

  /** The kinds of problems. */
  enum Kind {
    BANDIT,
    SEQUENCE,
    HORIZON,
    MDP
  }

  private ComparedProblem open(Kind kind, long seed) {
    Path file = folder.resolve(kind + "-" + seed + ".safetensors");
    return switch (kind) {
      case BANDIT ->
          ComparedProblem.open(BanditFile.write(file, 3, 60, TensorType.F32, seed).path(), "", 5);
      case SEQUENCE ->
          ComparedProblem.open(
              SequenceFile.write(file, 5, 60, seed), ", kind: sequence, discount: 0.7", 5);
      case HORIZON ->
          ComparedProblem.open(
              SequenceFile.write(file, 4, 40, seed),
              ", kind: sequence, discount: 1, horizon: 3",
              5);
      case MDP ->
          ComparedProblem.open(
              MdpFile.write(file, MdpFixture.random(new Random(seed), 4, 5, 0.8), null),
              ", kind: mdp, discount: 0.8",
              5);
    };
  }

  @ParameterizedTest
  @EnumSource
  void noPolicyHasMoreRewardAtItsDivergence(Kind kind) {
    for (long seed = 1; seed <= 3; seed++) {
      try (Arena arena = Arena.ofShared();
          ComparedProblem problem = open(kind, seed)) {
        for (BudgetMeasure measure : BudgetMeasure.values()) {
          FrontierBound bound = bound(problem, measure);
          for (String name : ComparedProblem.DIVERGENCES) {
            for (double lambda : LAMBDAS) {
              MeasuredPolicy optimum =
                  problem.meter.measure(problem.solver.solve(Divergence.parse(name), lambda));
              assertBelow(bound, measure, optimum, "%s %s seed %d".formatted(name, lambda, seed));
            }
          }
          for (double deviation : new double[] {1e-4, 0.1, 1.0, 5.0}) {
            MeasuredPolicy policy =
                problem.meter.measure(
                    problem.randomPolicy(arena, deviation, seed), Divergence.parse("reverse-kl"));
            assertBelow(bound, measure, policy, "random %s seed %d".formatted(deviation, seed));
          }
        }
      }
    }
  }

  private static FrontierBound bound(ComparedProblem problem, BudgetMeasure measure) {
    FrontierBound bound = new FrontierBound(problem.solver, problem.meter, measure);
    bound.add(0.1);
    return bound;
  }

  private static void assertBelow(
      FrontierBound bound, BudgetMeasure measure, MeasuredPolicy policy, String what) {
    double best = bound.at(measure.discountedSum(policy));
    assertThat(policy.reward())
        .as("%s, %s", what, measure.symbol())
        .isLessThanOrEqualTo(best + ComparisonChecks.FRONTIER_ROUNDING * Math.max(1.0, best));
  }

  @ParameterizedTest
  @EnumSource
  void optimaOfTheSameDivergenceLieOnTheFrontier(Kind kind) {
    try (ComparedProblem problem = open(kind, 4)) {
      for (BudgetMeasure measure : BudgetMeasure.values()) {
        FrontierBound bound = bound(problem, measure);
        for (double lambda : LAMBDAS) {
          MeasuredPolicy optimum =
              problem.meter.averages(problem.solver.solve(measure.divergence(), lambda));
          assertThat(bound.at(measure.discountedSum(optimum)))
              .isCloseTo(optimum.reward(), within(ROUNDING * Math.max(1.0, optimum.reward())));
        }
      }
    }
  }

  @Test
  void boundsOfNoAndOfUnlimitedDivergenceAreTheReferenceAndTheBestAction() {
    BanditFile bandit = BanditFile.write(folder.resolve("b.safetensors"), 1, 50, TensorType.F32, 5);
    try (ComparedProblem problem = ComparedProblem.open(bandit.path(), "", 5)) {
      double best = 0.0;
      double mean = 0.0;
      for (int a = 0; a < 50; a++) {
        best = Math.max(best, bandit.rewards()[0][a]);
        mean += Math.exp(bandit.logReference()[0][a]) * bandit.rewards()[0][a];
      }
      FrontierBound bound = bound(problem, BudgetMeasure.POLICY_TO_REFERENCE);
      assertThat(bound.at(1e-12)).isCloseTo(mean, within(1e-5));
      assertThat(bound.at(40.0)).isCloseTo(best, within(1e-2)).isGreaterThanOrEqualTo(best);
      assertThat(bound.at(Double.POSITIVE_INFINITY)).isEqualTo(Double.POSITIVE_INFINITY);
      assertThat(bound.at(Double.NaN)).isNaN();
    }
  }
}
