package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.config.RunConfig;
import dev.clipkl.endtoend.RunFiles;
import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowResults;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MdpTrainingTest {
  private static final double GOLDEN_ERROR = 1e-10;
  private static final double GOLDEN_STEP = 0.1;
  private static final int GOLDEN_INNER_STEPS = 3;

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "G3.mdp, reverse-kl, rkl", "G3.mdp, forward-kl, fkl",
    "G4.token, reverse-kl, rkl", "G4.token, forward-kl, fkl"
  })
  void faithfulModeReproducesGoldenTraces(String problem, String divergence, String name) {
    JsonNode expected = Golden.of(problem + "." + name);
    JsonNode trace = expected.get("ppo_faithful");
    boolean token = problem.equals("G4.token");
    FiniteMdp mdp = token ? MdpFixture.token() : MdpFixture.golden();
    MdpFile.write(
        folder.resolve("mdp.safetensors"),
        mdp,
        token ? MdpFixture.tokenLogits() : MdpFixture.goldenLogits());
    String yaml =
        """
        problem: {kind: mdp, import: %s, discount: %s}
        objective: {divergence: %s, lambda: 0.5, clip-epsilon: 0.1}
        optimizer: {inner-steps: %d, outer-iterations: 2, tolerance: 0, step-size: %s}
        mode: faithful
        """;
    double smoothness;
    try (LoadedRun run =
        LoadedRun.open(
            config(yaml, mdp.discount(), divergence, GOLDEN_INNER_STEPS, 1.0), line -> {})) {
      smoothness = run.program().smoothness();
    }
    RunConfig config =
        config(yaml, mdp.discount(), divergence, GOLDEN_INNER_STEPS, GOLDEN_STEP * smoothness);
    try (LoadedRun run = LoadedRun.open(config, line -> {})) {
      RowCoupling coupling = run.coupling();
      List<Integer> clipped = new ArrayList<>();
      RowResults results = new RowResults(1, mdp.states(), GOLDEN_INNER_STEPS);
      for (int n = 0; n < 2; n++) {
        run.engine().run(coupling.block(), run.program(), 1, results);
        coupling.update();
        for (int k = 0; k < GOLDEN_INNER_STEPS; k++) {
          int sum = 0;
          for (int count : results.clippedActions(0, k)) {
            sum += count;
          }
          clipped.add(sum);
        }
      }
      List<Integer> goldenClipped = new ArrayList<>();
      trace.get("clipped").forEach(count -> goldenClipped.add(count.intValue()));
      assertThat(clipped).isEqualTo(goldenClipped);
      for (int s = 0; s < mdp.states(); s++) {
        double[] logits = new double[mdp.actions()];
        coupling.block().actor().logits().readRow(s, logits);
        assertThat(logits)
            .containsExactly(Golden.row(trace.get("theta").get(s)), within(GOLDEN_ERROR));
      }
    }
    TrainingRun.start(config, new TrainingListener() {});
    JsonNode first = RunFiles.metrics(config.run().out()).getFirst();
    JsonNode last = RunFiles.metrics(config.run().out()).getLast();
    assertThat(first.get(MetricNames.VALUE).doubleValue())
        .isCloseTo(expected.get("V_u").doubleValue(), within(GOLDEN_ERROR));
    assertThat(first.get(MetricNames.OPTIMUM).doubleValue())
        .isCloseTo(expected.get("Vstar_u").doubleValue(), within(GOLDEN_ERROR));
    assertThat(last.get(MetricNames.VALUE).doubleValue())
        .isCloseTo(trace.get("V_u").doubleValue(), within(GOLDEN_ERROR));
  }

  private RunConfig config(String yaml, Object... values) {
    List<Object> arguments = new ArrayList<>(List.of(values));
    arguments.addFirst(folder.resolve("mdp.safetensors"));
    return RunConfig.parse(
        yaml.formatted(arguments.toArray()),
        "test",
        "test",
        List.of("run.out=" + folder.resolve("run")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"reverse-kl", "forward-kl", "js", "chi2", "hellinger2", "alpha(0.5)", "alpha(3)"})
  void practicalModeConvergesToTheOptimumAndNeverLowersTheValue(String divergence) {
    long seed = 5L;
    FiniteMdp mdp = MdpFixture.random(new Random(seed), 9, 6, 0.9);
    MdpFile.write(folder.resolve("mdp.safetensors"), mdp, null);
    RunConfig config =
        config(
            """
            problem: {kind: mdp, import: %s, discount: 0.9}
            objective: {divergence: %s, lambda: 0.5}
            optimizer: {tolerance: 1e-9}
            """,
            divergence);
    TrainingResult result = TrainingRun.start(config, new TrainingListener() {});
    assertThat(result.reason()).as("%s, seed %d", divergence, seed).isEqualTo(StopReason.CONVERGED);
    double previous = Double.POSITIVE_INFINITY;
    for (JsonNode line : RunFiles.metrics(config.run().out())) {
      double gap = line.get(MetricNames.GAP).doubleValue();
      double difference =
          line.get(MetricNames.OPTIMUM).doubleValue() - line.get(MetricNames.VALUE).doubleValue();
      assertThat(gap).isCloseTo(difference, within(1e-11)).isLessThanOrEqualTo(previous);
      previous = gap;
      double perStep = line.get(MetricNames.DIVERGENCE).doubleValue();
      assertThat(line.get(MetricNames.REWARD).doubleValue() - 0.5 * perStep / 0.1)
          .as("reward less the divergences of all steps")
          .isCloseTo(line.get(MetricNames.VALUE).doubleValue(), within(1e-11));
    }
  }

  @Test
  void withoutDiscountTheRowsGiveTheBitsOfABandit() {
    long seed = 6L;
    FiniteMdp mdp = MdpFixture.random(new Random(seed), 5, 40, 0.0);
    MdpFile.write(folder.resolve("mdp.safetensors"), mdp, null);
    String yaml =
        """
        problem: {kind: mdp, import: %s}
        objective: {lambda: 0.2}
        optimizer: {kind: gradient, inner-steps: 3, outer-iterations: 7, tolerance: 0}
        """;
    try (LoadedRun run = LoadedRun.open(config(yaml), line -> {})) {
      MdpRows rows = (MdpRows) run.coupling();
      RowBlock bandit =
          RowFixture.block(
              EngineKind.REFERENCE,
              run.program(),
              run.problem().reference(),
              run.problem().reference(),
              run.problem().rewards());
      run.engine().run(bandit, run.program(), 7, new RowResults(7, 5, 3));
      RowResults results = new RowResults(1, 5, 3);
      for (int n = 0; n < 7; n++) {
        run.engine().run(rows.block(), run.program(), 1, results);
        rows.update();
      }
      for (int s = 0; s < 5; s++) {
        assertThat(RowFixture.row(rows.block().actor().logits(), s))
            .as("state %d, seed %d", s, seed)
            .isEqualTo(RowFixture.row(bandit.actor().logits(), s))
            .isNotEqualTo(RowFixture.row(mdp.reference(), s));
      }
    }
  }

  @Test
  void interruptedRunGoesOnWithTheSameBits() {
    FiniteMdp mdp = MdpFixture.random(new Random(8L), 7, 5, 0.9);
    MdpFile.write(folder.resolve("mdp.safetensors"), mdp, null);
    String yaml =
        """
        problem: {kind: mdp, import: %s, discount: 0.9}
        optimizer: {outer-iterations: 12, tolerance: 0, kind: nesterov}
        """;
    RunConfig whole = config(yaml);
    TrainingRun.start(whole, new TrainingListener() {});
    RunConfig parts = whole.withOut(folder.resolve("parts"));
    TrainingListener stopping =
        new TrainingListener() {
          private int blocks;

          @Override
          public void afterBlock(TrainingProgress progress) {
            blocks++;
          }

          @Override
          public boolean stopRequested() {
            return blocks == 5;
          }
        };
    assertThat(TrainingRun.start(parts, stopping).reason()).isEqualTo(StopReason.INTERRUPTED);
    TrainingRun.resume(parts.run().out(), new TrainingListener() {});
    assertThat(RunFiles.sha256(parts.run().out().resolve("policy.safetensors")))
        .isEqualTo(RunFiles.sha256(whole.run().out().resolve("policy.safetensors")));
    assertThat(RunFiles.timelessMetrics(parts.run().out()))
        .isEqualTo(RunFiles.timelessMetrics(whole.run().out()));
  }
}
