package dev.clipkl.compare;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.endtoend.BanditFile;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.TensorType;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Averages of policies against sums written out here. */
class PolicyMeterTest {
  private static final int STATES = 5;
  private static final int ACTIONS = 400;
  private static final long SEED = 7;

  /** Float64 sums of some hundred terms of size 1. */
  private static final double EXACT = 1e-12;

  @TempDir private Path folder;

  private BanditFile bandit() {
    return BanditFile.write(
        folder.resolve("bandit.safetensors"), STATES, ACTIONS, TensorType.F32, SEED);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.02, 0.1, 1.0, 30.0})
  void optimumOfReverseKlIsMeasuredAsTheTiltedReference(double lambda) {
    BanditFile bandit = bandit();
    double[][] tilted = new double[STATES][ACTIONS];
    for (int s = 0; s < STATES; s++) {
      for (int a = 0; a < ACTIONS; a++) {
        tilted[s][a] = bandit.logReference()[s][a] + bandit.rewards()[s][a] / lambda;
      }
      normalize(tilted[s]);
    }
    assertOptimum("reverse-kl", lambda, bandit, tilted);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.02, 0.1, 1.0, 30.0})
  void optimumOfForwardKlIsMeasuredAsTheBisectedOne(double lambda) {
    BanditFile bandit = bandit();
    double[][] bisected = new double[STATES][ACTIONS];
    for (int s = 0; s < STATES; s++) {
      double[] rewards = bandit.rewards()[s];
      double largest = Arrays.stream(rewards).max().orElseThrow();
      double low = 0.0;
      double high = lambda;
      for (int bit = 0; bit < 200; bit++) {
        double middle = 0.5 * (low + high);
        double mass = 0.0;
        for (int a = 0; a < ACTIONS; a++) {
          mass += lambda * Math.exp(bandit.logReference()[s][a]) / (middle + largest - rewards[a]);
        }
        if (mass > 1.0) {
          low = middle;
        } else {
          high = middle;
        }
      }
      for (int a = 0; a < ACTIONS; a++) {
        bisected[s][a] =
            Math.log(lambda) + bandit.logReference()[s][a] - Math.log(high + largest - rewards[a]);
      }
      normalize(bisected[s]);
    }
    assertOptimum("forward-kl", lambda, bandit, bisected);
  }

  private void assertOptimum(
      String divergence, double lambda, BanditFile bandit, double[][] expected) {
    try (ComparedProblem problem = ComparedProblem.open(bandit.path(), "", 10)) {
      SolvedObjective optimum = problem.solver.solve(Divergence.parse(divergence), lambda);
      MeasuredPolicy measured = problem.meter.measure(optimum);
      // A stored reference sums to 1 within float32's rounding; the closed form takes it as exact.
      assertSame(measured, bandit, expected, 3e-7);
      assertThat(problem.meter.reward(optimum))
          .isCloseTo(measured.reward(), within(EXACT * Math.max(1.0, 1.0 / lambda)));
      double own =
          divergence.equals("reverse-kl")
              ? measured.klPolicyToReference()
              : measured.klReferenceToPolicy();
      assertThat(measured.divergence()).isEqualTo(own);
      assertThat(measured.reward() - lambda * own)
          .isCloseTo(optimum.value(), within(EXACT * Math.max(1.0, lambda)));
      MeasuredPolicy averages = problem.meter.averages(optimum);
      assertThat(averages.klPolicyToReference()).isEqualTo(measured.klPolicyToReference());
      assertThat(averages.klReferenceToPolicy()).isEqualTo(measured.klReferenceToPolicy());
      assertThat(averages.shape()).isNull();
    }
  }

  @ParameterizedTest
  @CsvSource({"0.3, 1", "2, 2", "6, 3"})
  void trainedPolicyIsMeasuredByPlainSums(double deviation, long seed) {
    BanditFile bandit = bandit();
    try (Arena arena = Arena.ofShared();
        ComparedProblem problem = ComparedProblem.open(bandit.path(), "", 10)) {
      RowTable policy = problem.randomPolicy(arena, deviation, seed);
      double[][] logPolicy = new double[STATES][ACTIONS];
      for (int s = 0; s < STATES; s++) {
        policy.readRow(s, logPolicy[s]);
        normalize(logPolicy[s]);
      }
      MeasuredPolicy measured = problem.meter.measure(policy, Divergence.parse("js"));
      assertSame(measured, bandit, logPolicy, 3e-7);
      double divergence = 0.0;
      for (int s = 0; s < STATES; s++) {
        for (int a = 0; a < ACTIONS; a++) {
          double p = Math.exp(logPolicy[s][a]);
          double q = Math.exp(bandit.logReference()[s][a]);
          double middle = 0.5 * (p + q);
          divergence += 0.5 * (p * Math.log(p / middle) + q * Math.log(q / middle)) / STATES;
        }
      }
      assertThat(measured.divergence()).isCloseTo(divergence, within(3e-7));
      for (int s = 0; s < STATES; s++) {
        double[] row = logPolicy[s];
        assertThat(measured.top()[s])
            .containsExactly(
                IntStream.range(0, ACTIONS)
                    .boxed()
                    .sorted(Comparator.comparingDouble((Integer a) -> -row[a]))
                    .limit(10)
                    .mapToInt(a -> a)
                    .sorted()
                    .toArray());
      }
    }
  }

  private static void assertSame(
      MeasuredPolicy measured, BanditFile bandit, double[][] logPolicy, double tolerance) {
    double[] sums = new double[8];
    double least = Double.POSITIVE_INFINITY;
    for (int s = 0; s < STATES; s++) {
      double[] logQ = bandit.logReference()[s];
      double entropy = 0.0;
      for (int a = 0; a < ACTIONS; a++) {
        double p = Math.exp(logPolicy[s][a]);
        double q = Math.exp(logQ[a]);
        sums[0] += p * bandit.rewards()[s][a];
        sums[1] += p * (logPolicy[s][a] - logQ[a]);
        sums[2] += q * (logQ[a] - logPolicy[s][a]);
        entropy -= p * logPolicy[s][a];
        sums[6] += q < 1e-6 ? p : 0.0;
        sums[7] += q < 1e-6 ? q : 0.0;
        least = Math.min(least, p);
      }
      sums[3] += entropy;
      sums[4] += Math.exp(entropy);
      sums[5] += kept(logQ, logPolicy[s]);
    }
    PolicyShape shape = Objects.requireNonNull(measured.shape());
    double[] got = {
      measured.reward(),
      measured.klPolicyToReference(),
      measured.klReferenceToPolicy(),
      shape.entropy(),
      shape.effectiveTokens(),
      shape.referenceMassKept(),
      shape.tailMass(),
      shape.referenceTailMass()
    };
    for (int i = 0; i < got.length; i++) {
      double expected = sums[i] / STATES;
      assertThat(got[i])
          .as("number %d", i)
          .isCloseTo(expected, within(tolerance * Math.max(1.0, expected)));
    }
    assertThat(shape.minProbability()).isCloseTo(least, within(1e-6 * least));
    assertThat(measured.discountedPolicyToReference()).isEqualTo(measured.klPolicyToReference());
  }

  /** Sorts and adds up; of equals the lower ids come first. */
  private static double kept(double[] logQ, double[] logP) {
    List<Integer> order =
        IntStream.range(0, logQ.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer a) -> -logQ[a]))
            .toList();
    double head = 0.0;
    double kept = 0.0;
    for (int a : order) {
      if (head >= 0.9) {
        break;
      }
      head += Math.exp(logQ[a]);
      kept += Math.min(Math.exp(logQ[a]), Math.exp(logP[a]));
    }
    return kept / head;
  }

  @Test
  void headOfAReferenceTakesLowerIdsOfEquallyProbableTokens() {
    double[] q = {0.06, 0.44, 0.06, 0.06, 0.32, 0.06};
    ReferenceRow row = ReferenceRow.of(Arrays.stream(q).map(Math::log).toArray());
    boolean[] head = new boolean[q.length];
    for (int a = 0; a < q.length; a++) {
      head[a] = row.isHead(a, Math.log(q[a]));
    }
    assertThat(head).containsExactly(true, true, true, true, true, false);
    assertThat(row.headMass()).isCloseTo(0.94, within(EXACT));
    assertThat(row.tailMass()).isZero();
  }

  @Test
  void optimumWithZerosHasAnInfiniteForwardKl() {
    BanditFile bandit = bandit();
    try (ComparedProblem problem = ComparedProblem.open(bandit.path(), "", 10)) {
      SolvedObjective optimum = problem.solver.solve(Divergence.parse("chi2"), 0.01);
      assertThat(optimum.rows()[0].zeros()).isPositive();
      MeasuredPolicy measured = problem.meter.measure(optimum);
      assertThat(measured.klReferenceToPolicy()).isInfinite();
      assertThat(measured.klPolicyToReference()).isFinite();
      assertThat(Objects.requireNonNull(measured.shape()).minProbability()).isZero();
      assertThat(measured.shape().entropy()).isFinite();
    }
  }

  private static void normalize(double[] row) {
    double largest = Arrays.stream(row).max().orElseThrow();
    double sum = Arrays.stream(row).map(x -> Math.exp(x - largest)).sum();
    for (int a = 0; a < row.length; a++) {
      row[a] -= largest + Math.log(sum);
    }
  }
}
