package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.function.BinaryOperator;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Imported tables of GPT-2's vocabulary size, trained to the closed-form optimum, which is computed
 * here a second time in float64, without the project's solver.
 */
class ClosedFormOptimumTest {
  private static final int STATES = 64;
  private static final int ACTIONS = 50_257;
  private static final double REVERSE_LAMBDA = 0.1;

  /** At 0.1 the optimum puts 2,000 times the reference's mass on an action: ill-conditioned. */
  private static final double FORWARD_LAMBDA = 0.5;

  private static final long SEED = 20_257;

  /**
   * Largest error of log p over actions with {@code p* >= 1e-8}, and of p over all actions. Float32
   * log-probabilities near -16 are 1e-6 apart (2^-20).
   */
  private static final double TOLERANCE = 1e-5;

  private static final double RELEVANT_LOG_PROBABILITY = Math.log(1e-8);

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"F32", "BF16"})
  void reverseKlReachesTheTiltedReference(TensorType type) {
    trainsTo(type, "reverse-kl", REVERSE_LAMBDA, ClosedFormOptimumTest::tiltedReference);
  }

  @ParameterizedTest
  @EnumSource(
      value = TensorType.class,
      names = {"F32", "BF16"})
  void forwardKlReachesTheOptimumFoundByBisection(TensorType type) {
    trainsTo(type, "forward-kl", FORWARD_LAMBDA, ClosedFormOptimumTest::bisected);
  }

  private void trainsTo(
      TensorType type, String divergence, double lambda, BinaryOperator<double[]> optimum) {
    BanditFile bandit =
        BanditFile.write(folder.resolve("bandit.safetensors"), STATES, ACTIONS, type, SEED);
    Path config =
        RunFiles.write(
            folder.resolve("run.yaml"), "problem: {import: %s}".formatted(bandit.path()));
    Path run = folder.resolve("run");
    // A mean gap of 1e-6 leaves log p off by sqrt(2e-6 / lambda) = 4e-3: it has to be smaller. The
    // safe step rule needs no differences of values, which float32 cannot resolve this far down.
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run(
            "train",
            config.toString(),
            "--out",
            run.toString(),
            "--set",
            "objective.divergence=" + divergence,
            "--set",
            "objective.lambda=" + lambda,
            "--set",
            "optimizer.step-rule=safe",
            "--set",
            "optimizer.tolerance=0",
            "--set",
            "optimizer.outer-iterations=32");
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();

    double[][] policy = BanditFile.policy(run);
    double logError = 0.0;
    double error = 0.0;
    for (int s = 0; s < STATES; s++) {
      double[] expected = optimum.apply(bandit.logReference()[s], bandit.rewards()[s]);
      for (int a = 0; a < ACTIONS; a++) {
        error = Math.max(error, Math.abs(Math.exp(policy[s][a]) - Math.exp(expected[a])));
        if (expected[a] >= RELEVANT_LOG_PROBABILITY) {
          logError = Math.max(logError, Math.abs(policy[s][a] - expected[a]));
        }
      }
    }
    // For the record: surefire keeps it.
    System.out.printf(
        "%s %s: largest error of log p %.2e, of p %.2e; %s%n",
        type,
        divergence,
        logError,
        error,
        outcome.out().lines().filter(line -> line.startsWith("stopped")).findFirst().orElse(""));
    assertThat(logError).as("log p, seed %d", SEED).isLessThan(TOLERANCE);
    assertThat(error).as("p, seed %d", SEED).isLessThan(TOLERANCE);
  }

  /** {@code log q + r / lambda - lse} (THEORY 2.2). */
  private static double[] tiltedReference(double[] logReference, double[] rewards) {
    double[] logPolicy = new double[ACTIONS];
    for (int a = 0; a < ACTIONS; a++) {
      logPolicy[a] = logReference[a] + rewards[a] / REVERSE_LAMBDA;
    }
    BanditFile.normalize(logPolicy);
    return logPolicy;
  }

  /** {@code p_a = lambda q_a / (delta + max r - r_a)} with the delta where they sum to 1 (2.3). */
  private static double[] bisected(double[] logReference, double[] rewards) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double reward : rewards) {
      largest = Math.max(largest, reward);
    }
    double[] scaled = new double[ACTIONS];
    for (int a = 0; a < ACTIONS; a++) {
      scaled[a] = FORWARD_LAMBDA * Math.exp(logReference[a]);
    }
    double low = 0.0;
    double high = FORWARD_LAMBDA;
    for (int bit = 0; bit < 60; bit++) {
      double middle = 0.5 * (low + high);
      double sum = 0.0;
      for (int a = 0; a < ACTIONS; a++) {
        sum += scaled[a] / (middle + largest - rewards[a]);
      }
      if (sum > 1.0) {
        low = middle;
      } else {
        high = middle;
      }
    }
    double[] logPolicy = new double[ACTIONS];
    for (int a = 0; a < ACTIONS; a++) {
      logPolicy[a] = Math.log(scaled[a] / (high + largest - rewards[a]));
    }
    return logPolicy;
  }
}
