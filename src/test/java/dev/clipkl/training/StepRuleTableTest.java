package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFile;
import dev.clipkl.problem.MdpFixture;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Three step rules of plain gradient steps on random processes (THEORY 5.4's table). */
class StepRuleTableTest {
  private static final long SEED = 1L;
  private static final int STATES = 4;
  private static final int ACTIONS = 5;
  private static final double CIRCLE = 1e-2;

  @TempDir Path folder;

  /** One line of the table. */
  record Cell(
      double discount, double lambda, String divergence, int innerSteps, double clipEpsilon) {
    /**
     * Where the theory found a constant step to circle: with the short horizon, in a tight band.
     */
    boolean circles() {
      return discount == 0.0 && innerSteps > 1 && clipEpsilon < 0.1;
    }

    /** Where a constant step converges for this and the theory's length of it. */
    boolean converges() {
      return innerSteps == 1 || clipEpsilon > 0.1;
    }
  }

  static Stream<Cell> cells() {
    List<Cell> cells = new ArrayList<>();
    for (double discount : new double[] {0.0, 0.9}) {
      for (String divergence : new String[] {"reverse-kl", "forward-kl"}) {
        for (int innerSteps : new int[] {1, 4, 16}) {
          for (double clipEpsilon : new double[] {0.05, 0.2}) {
            double lambda = discount == 0.0 ? 0.5 : 2.0;
            cells.add(new Cell(discount, lambda, divergence, innerSteps, clipEpsilon));
          }
        }
      }
    }
    return cells.stream();
  }

  private TrainedRun run(Cell cell, String rule) {
    FiniteMdp mdp = MdpFixture.random(new Random(SEED), STATES, ACTIONS, cell.discount());
    Path file = folder.resolve("mdp.safetensors");
    MdpFile.write(file, mdp, null);
    return TrainedRun.of(
        folder,
        """
        problem: {kind: mdp, import: %s, discount: %s}
        objective: {divergence: %s, lambda: %s, clip-epsilon: %s}
        optimizer: {kind: gradient, step-rule: %s, inner-steps: %d, outer-iterations: 400, tolerance: 1e-8}
        """
            .formatted(
                file,
                cell.discount(),
                cell.divergence(),
                cell.lambda(),
                cell.clipEpsilon(),
                rule,
                cell.innerSteps()));
  }

  @ParameterizedTest
  @MethodSource("cells")
  void certifiedAndSafeStepsConvergeAndNeverLowerTheValue(Cell cell) {
    for (String rule : new String[] {"backtracking", "safe"}) {
      TrainedRun run = run(cell, rule);
      assertThat(run.reason()).as("%s, seed %d", rule, SEED).isEqualTo(StopReason.CONVERGED);
      assertThat(run.falls()).as("%s, seed %d", rule, SEED).isZero();
      assertThat(run.warnings()).as("%s, seed %d", rule, SEED).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("cells")
  void constantStepsConvergeOrAreSaidToCircle(Cell cell) {
    TrainedRun run = run(cell, "fixed");
    if (cell.converges()) {
      assertThat(run.reason()).as("seed %d", SEED).isEqualTo(StopReason.CONVERGED);
      assertThat(run.falls()).as("seed %d", SEED).isZero();
    }
    if (cell.circles()) {
      assertThat(run.reason()).as("seed %d", SEED).isEqualTo(StopReason.ITERATIONS);
      assertThat(run.leastLaterGap()).as("seed %d", SEED).isGreaterThan(CIRCLE);
    }
    if (run.reason() == StopReason.CONVERGED) {
      assertThat(run.warnings()).as("seed %d", SEED).isEmpty();
    } else {
      assertThat(run.warnings().getFirst())
          .as("seed %d", SEED)
          .startsWith("the gap ")
          .contains("over the last 100 outer iterations: clipped actions")
          .contains("use step-rule backtracking or safe");
      assertThat(run.warnings().stream().anyMatch(said -> said.startsWith("the value fell in ")))
          .as("seed %d, %s", SEED, run.warnings())
          .isEqualTo(run.falls() > 0);
    }
  }
}
