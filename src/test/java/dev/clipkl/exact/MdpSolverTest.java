package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFixture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class MdpSolverTest {
  private static final double[] DISCOUNTS = {0.0, 0.5, 0.9, 0.99};
  private static final long SEED = 77L;

  /**
   * The golden policies end where their values had 16 digits, which leaves policies with 9: a value
   * sees the square of a policy's error. {@link #optimalPolicyMeetsItsOptimalityCondition} holds
   * the policies to the limits of float64.
   */
  private static final double GOLDEN_POLICY_ERROR = 1e-9;

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @CsvSource({
    "G3.mdp, reverse-kl, rkl", "G3.mdp, forward-kl, fkl",
    "G4.token, reverse-kl, rkl", "G4.token, forward-kl, fkl"
  })
  void reproducesGoldenOptima(String problem, String divergence, String name) {
    JsonNode expected = Golden.of(problem + "." + name);
    FiniteMdp mdp = problem.equals("G4.token") ? MdpFixture.token() : MdpFixture.golden();
    MdpOptimum optimum = new MdpSolver(mdp, Divergence.parse(divergence), 0.5).policyIteration();
    double[] values = Golden.row(expected.get("Vstar"));
    for (int s = 0; s < mdp.states(); s++) {
      assertThat(optimum.lower()[s]).isCloseTo(values[s], within(1e-12));
      assertThat(optimum.upper()[s]).isCloseTo(values[s], within(1e-12));
      double[] policy = Arrays.stream(optimum.logPolicy()[s]).map(Math::exp).toArray();
      assertThat(policy)
          .containsExactly(Golden.row(expected.get("pistar").get(s)), within(GOLDEN_POLICY_ERROR));
    }
    double value = expected.get("Vstar_u").doubleValue();
    assertThat(optimum.lower(mdp.startDistribution())).isCloseTo(value, within(1e-12));
    assertThat(optimum.upper(mdp.startDistribution())).isCloseTo(value, within(1e-12));
  }

  /** THEORY 4.5: at the optimum the Hessian is one block per state, {@code lambda d*(s) H D H}. */
  @ParameterizedTest
  @CsvSource({
    "G3.mdp, reverse-kl, rkl", "G3.mdp, forward-kl, fkl",
    "G4.token, reverse-kl, rkl", "G4.token, forward-kl, fkl"
  })
  void reproducesGoldenHessianEigenvaluesAtTheOptimum(String problem, String name, String golden) {
    Divergence divergence = Divergence.parse(name);
    FiniteMdp mdp = problem.equals("G4.token") ? MdpFixture.token() : MdpFixture.golden();
    MdpSolver solver = new MdpSolver(mdp, divergence, 0.5);
    double[][] logPolicy = solver.policyIteration().logPolicy();
    double[] visitation = solver.evaluator().evaluate(logPolicy).visitation();
    List<Double> eigenvalues = new ArrayList<>();
    for (int s = 0; s < mdp.states(); s++) {
      double[] probabilities = Arrays.stream(logPolicy[s]).map(Math::exp).toArray();
      double[] curvature = new double[mdp.actions()];
      for (int a = 0; a < curvature.length; a++) {
        curvature[a] = divergence.curvature(logPolicy[s][a] - mdp.reference().get(s, a));
      }
      RowSpectrum.Extremes extremes = RowSpectrum.of(probabilities, curvature);
      eigenvalues.add(0.5 * visitation[s] * extremes.smallest());
      if (mdp.actions() > 2) {
        eigenvalues.add(0.5 * visitation[s] * extremes.largest());
      }
    }
    double[] expected = Golden.row(Golden.of(problem + "." + golden).get("hess_eigs"));
    assertThat(eigenvalues).hasSameSizeAs(expected);
    double[] sorted = eigenvalues.stream().mapToDouble(x -> x).sorted().toArray();
    for (int i = 0; i < expected.length; i++) {
      // The golden Hessians are taken at the golden policies, which are off by 3e-9 relative; at
      // those RowSpectrumTest finds 10 digits of them.
      assertThat(sorted[i] / expected[i]).isCloseTo(1.0, within(1e-8));
    }
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl", "forward-kl", "js", "hellinger2", "alpha(0.5)", "alpha(-1)"})
  void optimalPolicyMeetsItsOptimalityCondition(String name) {
    Divergence divergence = Divergence.parse(name);
    for (FiniteMdp mdp : new FiniteMdp[] {MdpFixture.golden(), MdpFixture.token()}) {
      MdpSolver solver = new MdpSolver(mdp, divergence, 0.5);
      double[][] logPolicy = solver.policyIteration().logPolicy();
      double[][] coefficients =
          solver.evaluator().coefficients(logPolicy, solver.evaluator().evaluate(logPolicy));
      for (double[] row : coefficients) {
        for (double g : row) {
          assertThat(g).as(name).isCloseTo(row[0], within(2e-14 / (1.0 - mdp.discount())));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void policyAndValueIterationAgreeWithinTheirCertificates(Divergence divergence) {
    Random random = new Random(SEED);
    for (int i = 0; i < 40; i++) {
      FiniteMdp mdp =
          MdpFixture.random(
              random, 1 + random.nextInt(12), 2 + random.nextInt(7), DISCOUNTS[i % 4]);
      double lambda = 0.02 + random.nextDouble();
      MdpSolver solver = new MdpSolver(mdp, divergence, lambda);
      MdpOptimum policies = solver.policyIteration();
      String situation = "%s, process %d, seed %d".formatted(divergence.name(), i, SEED);
      assertThat(policies.width()).as(situation).isBetween(0.0, 1e-10);
      assertThat(policies.iterations()).as(situation).isLessThanOrEqualTo(12);
      for (double width : new double[] {0.3, 1e-3, 1e-9}) {
        MdpOptimum values = solver.valueIteration(width, 20_000);
        assertThat(values.width()).as(situation).isLessThanOrEqualTo(width);
        for (int s = 0; s < mdp.states(); s++) {
          assertThat(values.lower()[s]).as(situation).isLessThanOrEqualTo(policies.upper()[s]);
          assertThat(values.upper()[s]).as(situation).isGreaterThanOrEqualTo(policies.lower()[s]);
        }
      }
    }
  }

  /** The bounds widen before the reward at the far end has come into sight. */
  @ParameterizedTest
  @MethodSource("divergences")
  void policyIterationGoesOnWhileARewardComesIntoSight(Divergence divergence) {
    for (int states : new int[] {2, 5, 12, 30}) {
      for (double discount : new double[] {0.5, 0.9, 0.99}) {
        for (double lambda : new double[] {0.01, 0.1, 1.0}) {
          FiniteMdp mdp = MdpFixture.corridor(states, discount);
          MdpSolver solver = new MdpSolver(mdp, divergence, lambda);
          MdpOptimum policies = solver.policyIteration();
          MdpOptimum values = solver.valueIteration(1e-6, 20_000);
          String situation =
              "%s, %d states, discount %s, lambda %s"
                  .formatted(divergence.name(), states, discount, lambda);
          assertThat(policies.width()).as(situation).isBetween(0.0, 1e-10);
          for (int s = 0; s < states; s++) {
            assertThat(values.lower()[s]).as(situation).isLessThanOrEqualTo(policies.upper()[s]);
            assertThat(values.upper()[s]).as(situation).isGreaterThanOrEqualTo(policies.lower()[s]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void gapWithoutCancellationIsTheDistanceToTheOptimum(Divergence divergence) {
    Random random = new Random(SEED);
    for (int i = 0; i < 40; i++) {
      FiniteMdp mdp =
          MdpFixture.random(
              random, 1 + random.nextInt(12), 2 + random.nextInt(7), DISCOUNTS[i % 4]);
      double lambda = 0.1 + random.nextDouble();
      MdpSolver solver = new MdpSolver(mdp, divergence, lambda);
      MdpOptimum optimum = solver.policyIteration();
      double[][] logPolicy = MdpFixture.logPolicy(MdpFixture.logits(random, mdp, 1.0));
      PolicyValues values = solver.evaluator().evaluate(logPolicy);
      double[] start = mdp.startDistribution();
      double gap = solver.gap(optimum, logPolicy, values.visitation());
      double value = values.average(start);
      assertThat(gap)
          .as("%s, process %d, seed %d", divergence.name(), i, SEED)
          .isBetween(optimum.lower(start) - value - 1e-11, optimum.upper(start) - value + 1e-11);
      assertThat(solver.gap(optimum, optimum.logPolicy(), values.visitation()))
          .as("%s, process %d, seed %d", divergence.name(), i, SEED)
          .isBetween(0.0, 1e-13 / (1.0 - mdp.discount()));
    }
  }
}
