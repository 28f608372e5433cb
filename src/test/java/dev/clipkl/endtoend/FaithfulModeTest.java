package dev.clipkl.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.cli.CommandLineProbe;
import dev.clipkl.metrics.MetricNames;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The paper's algorithm, {@code mode: faithful}, from an import file to a policy file. */
class FaithfulModeTest {
  /** Float32 logits, and a reference that is stored as float32 for both engines. */
  private static final double TOLERANCE = 1e-6;

  /** THEORY 7: {@code lambda f''(1) / 2 + span(r) / (3 sqrt 3)} with lambda 0.5 and span 0.8. */
  private static final double GOLDEN_SMOOTHNESS = 0.25 + 0.8 / (3.0 * Math.sqrt(3.0));

  private static final double GOLDEN_STEP = 0.8;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "reverse-kl, rkl, vector",
    "forward-kl, fkl, vector",
    "reverse-kl, rkl, nd4j",
    "forward-kl, fkl, nd4j",
    "reverse-kl, rkl, reference",
    "forward-kl, fkl, reference"
  })
  void reproducesTheGoldenClippedTrajectory(String divergence, String golden, String engine) {
    JsonNode expected = Golden.of("G2.bandit-ppo." + golden);
    Path bandit =
        bandit(
            new double[][] {{Math.log(0.5), Math.log(0.3), Math.log(0.2)}},
            new double[][] {{1.0, 0.2, 0.5}},
            new double[] {1.0});
    Path run =
        train(
            bandit,
            """
            objective: {divergence: %s, lambda: 0.5, clip-epsilon: 0.05}
            optimizer: {inner-steps: 4, outer-iterations: 2, tolerance: 0, step-size: %s}
            mode: faithful
            run: {engine: %s}
            """
                .formatted(divergence, GOLDEN_STEP * GOLDEN_SMOOTHNESS, engine));
    double[] logits = Golden.row(expected.get("theta").get(0));
    BanditFile.normalize(logits);
    assertThat(BanditFile.policy(run)[0]).containsExactly(logits, within(TOLERANCE));
    assertThat(RunFiles.metrics(run).getLast().get(MetricNames.VALUE).doubleValue())
        .isCloseTo(expected.get("V_u").doubleValue(), within(TOLERANCE));
  }

  @ParameterizedTest
  @ValueSource(strings = {"vector", "nd4j"})
  void float32EnginesFollowTheReferenceEngineOnUnequalStates(String engine) {
    double[][] reference = new double[3][7];
    double[][] rewards = new double[3][7];
    for (int s = 0; s < 3; s++) {
      for (int a = 0; a < 7; a++) {
        reference[s][a] = Math.sin(1.0 + 2.0 * s + 3.0 * a);
        rewards[s][a] = 0.5 + 0.5 * Math.cos(2.0 + 5.0 * s + a);
      }
      BanditFile.normalize(reference[s]);
    }
    Path bandit = bandit(reference, rewards, new double[] {0.2, 0.5, 0.3});
    String config =
        """
        objective: {divergence: forward-kl, lambda: 0.2}
        optimizer: {outer-iterations: 40, tolerance: 0}
        mode: faithful
        run: {engine: %s}
        """;
    double[][] trained = BanditFile.policy(train(bandit, config.formatted(engine)));
    double[][] oracle = BanditFile.policy(train(bandit, config.formatted("reference")));
    for (int s = 0; s < 3; s++) {
      assertThat(trained[s]).containsExactly(oracle[s], within(1e-5));
      assertThat(oracle[s][0]).isNotCloseTo(reference[s][0], within(1e-2));
    }
  }

  private Path train(Path bandit, String config) {
    Path run = folder.resolve("run-" + Integer.toHexString(config.hashCode()));
    Path file =
        RunFiles.write(
            folder.resolve("run.yaml"), config + "problem: {import: %s}\n".formatted(bandit));
    CommandLineProbe.Outcome outcome =
        CommandLineProbe.run("train", file.toString(), "--out", run.toString());
    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    return run;
  }

  private Path bandit(double[][] reference, double[][] rewards, double[] start) {
    return BanditFile.write(folder.resolve("bandit.safetensors"), reference, rewards, start);
  }
}
