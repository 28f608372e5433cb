package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.PolicyValues;
import dev.clipkl.exact.RowGap;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFixture;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Policy iteration, value iteration and certified runs on a hundred random processes: they agree
 * within their certificates, and every inequality of the theory holds on the way.
 */
class CertifiedRunsTest {
  private static final int PROCESSES = 100;
  private static final long FIRST_SEED = 3_000L;
  private static final double[] DISCOUNTS = {0.0, 0.5, 0.9, 0.99};
  private static final String[] OTHERS = {"js", "chi2", "hellinger2", "alpha(0.5)", "alpha(1.5)"};

  /** Rounding of values of a size of 1, in float64, after sums and linear systems. */
  private static final double ROUNDING = 1e-12;

  private static final int GRADIENT_ITERATIONS = 150;
  private static final int PRACTICAL_ITERATIONS = 200;

  /** One process with one divergence. */
  record Case(long seed, String divergence) {
    FiniteMdp mdp() {
      Random random = new Random(seed);
      double discount = DISCOUNTS[(int) (seed % DISCOUNTS.length)];
      return MdpFixture.random(random, 1 + random.nextInt(12), 2 + random.nextInt(7), discount);
    }

    double lambda() {
      return 0.3 + new Random(~seed).nextDouble();
    }
  }

  static Stream<Case> cases() {
    return IntStream.range(0, PROCESSES)
        .boxed()
        .flatMap(i ->
            Stream.of("reverse-kl", "forward-kl", OTHERS[i % OTHERS.length])
                .map(divergence -> new Case(FIRST_SEED + i, divergence)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void runsAgreeWithBothSolversAndKeepEveryInequality(Case process) {
    FiniteMdp mdp = process.mdp();
    Divergence divergence = Divergence.parse(process.divergence());
    MdpSolver solver = new MdpSolver(mdp, divergence, process.lambda());
    MdpOptimum optimum = solver.policyIteration();
    MdpOptimum swept = solver.valueIteration(1e-4, 20_000);
    for (int s = 0; s < mdp.states(); s++) {
      assertThat(swept.lower()[s]).isLessThanOrEqualTo(optimum.upper()[s]);
      assertThat(swept.upper()[s]).isGreaterThanOrEqualTo(optimum.lower()[s]);
    }
    double[][] start = MdpFixture.logits(new Random(process.seed()), mdp, 0.7);
    double first = run(process, mdp, solver, optimum, start, OptimizerKind.GRADIENT, 0);
    double gradient =
        run(process, mdp, solver, optimum, start, OptimizerKind.GRADIENT, GRADIENT_ITERATIONS);
    assertThat(gradient).isLessThan(1e-2 * first);
    double practical =
        run(
            process,
            mdp,
            solver,
            optimum,
            start,
            OptimizerKind.recommendedFor(divergence),
            PRACTICAL_ITERATIONS);
    assertThat(practical).isLessThan(1e-9);
  }

  /** Runs with every check; the final gap. */
  private static double run(
      Case process,
      FiniteMdp mdp,
      MdpSolver solver,
      MdpOptimum optimum,
      double[][] logits,
      OptimizerKind optimizer,
      int outerIterations) {
    Divergence divergence = Divergence.parse(process.divergence());
    RowProgram program =
        new RowProgram(
            divergence,
            process.lambda(),
            ClippedSurrogate.of(0.2),
            optimizer,
            StepRuleKind.BACKTRACKING,
            1.0,
            4,
            0.0);
    Inequalities inequalities = new Inequalities(mdp, divergence, process.lambda(), optimum);
    try (MdpIterations run =
        new MdpIterations(mdp, solver, optimum, program, WeightKind.ROW, logits)) {
      inequalities.checkCertificates(run);
      for (int n = 0; n < outerIterations && run.gap() > 1e-10; n++) {
        double[][] logPolicy = run.logPolicy();
        PolicyValues values = run.values();
        run.next();
        inequalities.checkCertificates(run);
        inequalities.checkStep(logPolicy, values, run);
      }
      return run.gap();
    }
  }

  /** The theory's inequalities for one objective. */
  private static final class Inequalities {
    private final FiniteMdp mdp;
    private final Divergence divergence;
    private final double lambda;
    private final MdpOptimum optimum;
    private final RowOptimumSolver rowSolver;
    private final double[] start;
    private final double slack;

    Inequalities(FiniteMdp mdp, Divergence divergence, double lambda, MdpOptimum optimum) {
      this.mdp = mdp;
      this.divergence = divergence;
      this.lambda = lambda;
      this.optimum = optimum;
      rowSolver = new RowOptimumSolver(divergence, lambda);
      start = mdp.startDistribution();
      slack = optimum.width() + ROUNDING / (1.0 - mdp.discount());
    }

    /** THEORY 2.6 for one policy: how far it is from the optimum, from both sides. */
    void checkCertificates(MdpIterations run) {
      PolicyValues values = run.values();
      double value = values.average(start);
      double gap = run.gap();
      assertThat(value).isLessThanOrEqualTo(optimum.upper(start) + slack);
      assertThat(gap)
          .isBetween(optimum.lower(start) - value - slack, optimum.upper(start) - value + slack)
          .isGreaterThanOrEqualTo(0.0);
      double[] rowGaps = rowGaps(values, run.logPolicy());
      double largest = Arrays.stream(rowGaps).max().orElseThrow();
      double mean = 0.0;
      for (int s = 0; s < rowGaps.length; s++) {
        mean += start[s] * rowGaps[s];
        assertThat(values.values()[s] + rowGaps[s]).isLessThanOrEqualTo(optimum.upper()[s] + slack);
        assertThat(optimum.lower()[s])
            .isLessThanOrEqualTo(
                values.values()[s]
                    + rowGaps[s]
                    + mdp.discount() / (1.0 - mdp.discount()) * largest
                    + slack);
      }
      assertThat(mean).as("u . g").isLessThanOrEqualTo(gap + slack);
      assertThat(gap).isLessThanOrEqualTo(largest / (1.0 - mdp.discount()) + slack);
    }

    /** THEORY 1.8 and 4.3 for one certified step: no state loses, and all of them gain. */
    void checkStep(double[][] logPolicy, PolicyValues values, MdpIterations run) {
      double[] before = rowGaps(values, logPolicy);
      double[] after = rowGaps(values, run.logPolicy());
      double share = 1.0;
      double distanceBefore = 0.0;
      double distanceAfter = 0.0;
      for (int s = 0; s < before.length; s++) {
        assertThat(run.values().values()[s])
            .as("value at state %d", s)
            .isGreaterThanOrEqualTo(values.values()[s] - slack);
        if (before[s] > ROUNDING) {
          share = Math.min(share, (before[s] - after[s]) / before[s]);
        }
        distanceBefore = Math.max(distanceBefore, optimum.upper()[s] - values.values()[s]);
        distanceAfter = Math.max(distanceAfter, optimum.lower()[s] - run.values().values()[s]);
      }
      assertThat(share).as("share of the row gap").isGreaterThanOrEqualTo(0.0);
      assertThat(distanceAfter)
          .as("contraction")
          .isLessThanOrEqualTo((1.0 - (1.0 - mdp.discount()) * share) * distanceBefore + slack);
    }

    /** {@code g_s = max_p l_s(p)} less {@code l_s} of a policy, for these action values. */
    private double[] rowGaps(PolicyValues values, double[][] logPolicy) {
      double[] gaps = new double[mdp.states()];
      double[] logReference = new double[mdp.actions()];
      for (int s = 0; s < gaps.length; s++) {
        mdp.reference().readRow(s, logReference);
        double[] actionValues = values.actionValues()[s];
        RowOptimum row = rowSolver.solve(logReference, actionValues);
        gaps[s] = RowGap.of(divergence, lambda, row, logPolicy[s], logReference, actionValues);
      }
      return gaps;
    }
  }
}
