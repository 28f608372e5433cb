package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFixture;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.problem.TokenMdpFixture;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenMdpSolverTest {
  private static final long SEED = 20L;
  private static final double GOLDEN_ERROR = 1e-10;

  /** What the general solver and this one may differ by, in float64. */
  private static final double ERROR = 1e-9;

  @AutoClose private final RowThreads threads = new RowThreads(2);

  @ParameterizedTest
  @CsvSource({"reverse-kl, rkl", "forward-kl, fkl"})
  void reproducesTheGoldenTokenProblem(String divergence, String golden) {
    JsonNode expected = Golden.of("G4.token." + golden);
    TokenMdp mdp = TokenMdpFixture.golden();
    Divergence f = Divergence.parse(divergence);
    RowTable logits = RowFixture.table(RowTable.Precision.FLOAT64, MdpFixture.tokenLogits());
    TokenEvaluator evaluator = new TokenEvaluator(mdp, f, 0.5, threads);
    TokenEvaluator.Evaluation policy = evaluator.evaluate(logits);
    assertThat(policy.values())
        .containsExactly(Golden.row(expected.get("V")), within(GOLDEN_ERROR));
    assertThat(policy.visitation())
        .containsExactly(Golden.row(expected.get("d")), within(GOLDEN_ERROR));
    assertThat(policy.divergences())
        .containsExactly(Golden.row(expected.get("D")), within(GOLDEN_ERROR));
    double[] actionValues = new double[3];
    for (int s = 0; s < 3; s++) {
      evaluator.readActionValues(policy.values(), s, actionValues);
      assertThat(actionValues)
          .containsExactly(Golden.row(expected.get("Q").get(s)), within(GOLDEN_ERROR));
    }
    TokenOptimum optimum = solve(mdp, f, 0.5);
    double[] best = Golden.row(expected.get("Vstar"));
    for (int s = 0; s < 3; s++) {
      assertThat(optimum.lower()[s]).isLessThanOrEqualTo(best[s] + 1e-15);
      assertThat(optimum.upper()[s]).isGreaterThanOrEqualTo(best[s] - 1e-15);
    }
    assertThat(optimum.width()).isLessThan(1e-13);
  }

  @Test
  void agreesWithTheGeneralProcessOnFiftyRandomProblems() {
    Random random = new Random(SEED);
    for (int i = 0; i < 50; i++) {
      TokenMdp mdp = random(random, i);
      Divergence f = RowFixture.divergences().toList().get(i % 6);
      double lambda = 0.1 + random.nextDouble();
      String name = "problem %d, %s, seed %d".formatted(i, f.name(), SEED);
      FiniteMdp same = TokenMdpFixture.asFiniteMdp(mdp);
      MdpSolver solver = new MdpSolver(same, f, lambda);
      double[][] logits = TokenMdpFixture.logits(random, mdp, 1.0);
      TokenEvaluator evaluator = new TokenEvaluator(mdp, f, lambda, threads);
      TokenEvaluator.Evaluation policy =
          evaluator.evaluate(RowFixture.table(RowTable.Precision.FLOAT64, logits));
      PolicyValues expected =
          solver.evaluator().evaluate(MdpFixture.logPolicy(TokenMdpFixture.withEnd(logits)));
      assertThat(policy.errorBound()).as(name).isLessThan(1e-12);
      double[] actionValues = new double[mdp.actions()];
      for (int s = 0; s < mdp.states(); s++) {
        assertThat(policy.values()[s]).as(name).isCloseTo(expected.values()[s], within(ERROR));
        assertThat((1.0 - TokenMdpFixture.END_WEIGHT) * policy.visitation()[s])
            .as(name)
            .isCloseTo(expected.visitation()[s], within(ERROR));
        evaluator.readActionValues(policy.values(), s, actionValues);
        assertThat(actionValues)
            .as(name)
            .containsExactly(expected.actionValues()[s], within(ERROR));
      }
      MdpOptimum best = solver.policyIteration();
      TokenOptimum optimum = solve(mdp, f, lambda);
      for (int s = 0; s < mdp.states(); s++) {
        assertThat(optimum.lower()[s]).as(name).isCloseTo(best.lower()[s], within(ERROR));
        assertThat(optimum.upper()[s]).as(name).isCloseTo(best.upper()[s], within(ERROR));
        assertThat(optimum.lower()[s]).as(name).isLessThanOrEqualTo(best.upper()[s]);
        assertThat(optimum.upper()[s]).as(name).isGreaterThanOrEqualTo(best.lower()[s]);
      }
    }
  }

  /** Every third problem has a horizon, every second token sets have an end of the text. */
  private static TokenMdp random(Random random, int index) {
    int classes = 1 + random.nextInt(8);
    int tokens = classes + 1 + random.nextInt(9);
    int horizon = index % 3 == 2 ? 1 + random.nextInt(4) : 0;
    double discount = new double[] {0.3, 0.9, 0.97, 0.0}[index % 4];
    return TokenMdpFixture.random(random, classes, tokens, discount, index % 2 == 0, horizon);
  }

  @Test
  void withAHorizonNothingNeedsToBeDiscounted() {
    TokenMdp mdp = TokenMdpFixture.random(new Random(SEED), 3, 5, 1.0, true, 4);
    Divergence f = Divergence.parse("reverse-kl");
    TokenOptimum optimum = solve(mdp, f, 0.3);
    assertThat(optimum.width()).isLessThan(1e-13);
    // By hand, from the end: V(h, c) = max_p E_p[r + V(h - 1)] - lambda KL.
    double[] after = new double[3];
    double[] logReference = new double[5];
    double[] exponents = new double[5];
    for (int layer = 3; layer >= 0; layer--) {
      double[] values = new double[3];
      for (int c = 0; c < 3; c++) {
        mdp.classReference().readRow(c, logReference);
        mdp.classRewards().readRow(c, exponents);
        double sum = 0.0;
        for (int a = 0; a < 5; a++) {
          int next = mdp.next().group(a);
          sum += Math.exp(logReference[a] + (exponents[a] + (next < 0 ? 0.0 : after[next])) / 0.3);
        }
        values[c] = 0.3 * Math.log(sum);
      }
      assertThat(Arrays.copyOfRange(optimum.lower(), 3 * layer, 3 * layer + 3))
          .containsExactly(values, within(1e-12));
      after = values;
    }
  }

  @Test
  void boundsHoldWhereTheyAreTight() {
    // One class, one reward row, no end: V* = (lambda lse(log q + r / lambda)) / (1 - gamma).
    TokenMdp mdp = TokenMdpFixture.random(new Random(SEED), 1, 6, 0.95, false, 0);
    double[] logReference = new double[6];
    double[] rewards = new double[6];
    mdp.reference().readRow(0, logReference);
    mdp.rewards().readRow(0, rewards);
    double sum = 0.0;
    for (int a = 0; a < 6; a++) {
      sum += Math.exp(logReference[a] + rewards[a] / 0.2);
    }
    double best = 0.2 * Math.log(sum) / 0.05;
    TokenOptimum optimum = solve(mdp, Divergence.parse("reverse-kl"), 0.2);
    assertThat(optimum.lower()[0]).isLessThanOrEqualTo(best);
    assertThat(optimum.upper()[0]).isGreaterThanOrEqualTo(best);
    assertThat(optimum.width()).isBetween(1e-16, 1e-11);
  }

  private TokenOptimum solve(TokenMdp mdp, Divergence divergence, double lambda) {
    return new TokenMdpSolver(mdp, divergence, lambda, ScalarOptimumSweeps::new, threads).solve();
  }
}
