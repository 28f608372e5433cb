package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable.Precision;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CheckpointTest {
  private static final int STATES = 3;
  private static final int ACTIONS = 21;
  private static final Arena ARENA = Arena.ofAuto();

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Precision.class)
  void everythingComesBackBitForBit(Precision precision) {
    Path file = folder.resolve("checkpoint").resolve("state.safetensors");
    ActorState actor = actor(precision, 1.0 / 3.0);
    double[][] rowMetrics = new double[RowMetric.COUNT][STATES];
    for (int m = 0; m < RowMetric.COUNT; m++) {
      Arrays.setAll(rowMetrics[m], s -> 1.0 / (1.0 + s));
    }
    rowMetrics[0][1] = Double.NEGATIVE_INFINITY;
    PhaseSeconds spent = PhaseSeconds.of(phase -> 1.0 / (3.0 + phase.ordinal()));
    new Checkpoint(48, 1.0 / 7.0, spent, 1L << 40, true, rowMetrics)
        .write(file, actor, program(1.0), "f");

    ActorState read = actor(precision, 0.0);
    Checkpoint checkpoint = Checkpoint.read(file, read, program(1.0), "f");
    assertThat(checkpoint.isStart()).isFalse();
    assertThat(checkpoint.outerIteration()).isEqualTo(48);
    assertThat(checkpoint.seconds()).isEqualTo(1.0 / 7.0);
    assertThat(checkpoint.spent().byKey()).isEqualTo(spent.byKey());
    assertThat(checkpoint.metricsBytes()).isEqualTo(1L << 40);
    assertThat(checkpoint.stalled()).isTrue();
    assertThat(checkpoint.rowMetrics()).isDeepEqualTo(rowMetrics);
    assertThat(read.stepSizes()).isEqualTo(actor.stepSizes());
    assertThat(read.momentumSteps()).isEqualTo(actor.momentumSteps());
    assertThat(read.finished()).isEqualTo(actor.finished());
    assertThat(read.moments()).hasSize(2);
    for (int s = 0; s < STATES; s++) {
      assertThat(RowFixture.row(read.logits(), s)).isEqualTo(RowFixture.row(actor.logits(), s));
      for (int m = 0; m < 2; m++) {
        assertThat(RowFixture.row(read.moments().get(m), s))
            .isEqualTo(RowFixture.row(actor.moments().get(m), s));
      }
    }
  }

  @Test
  void noFileIsTheStartAndLeavesTheActorAlone() {
    ActorState actor = actor(Precision.FLOAT32, 0.5);
    Checkpoint checkpoint = Checkpoint.read(folder.resolve("none"), actor, program(1.0), "f");
    assertThat(checkpoint.isStart()).isTrue();
    assertThat(actor.logits().get(0, 1)).isEqualTo(0.5);
  }

  @Test
  void checkpointOfAnotherProblemOrProgramIsRefused() {
    Path file = folder.resolve("state.safetensors");
    ActorState actor = actor(Precision.FLOAT32, 0.5);
    checkpoint().write(file, actor, program(1.0), "f");
    assertThatThrownBy(() -> Checkpoint.read(file, actor, program(1.0), "g"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected fingerprint g, got f");
    assertThatThrownBy(() -> Checkpoint.read(file, actor, program(0.5), "f"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("expected program")
        .hasMessageContaining("stepSize=0.5")
        .hasMessageContaining("stepSize=1.0");
  }

  @Test
  void truncatedCheckpointIsRefused() throws IOException {
    Path file = folder.resolve("state.safetensors");
    ActorState actor = actor(Precision.FLOAT32, 0.5);
    checkpoint().write(file, actor, program(1.0), "f");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertThatThrownBy(() -> Checkpoint.read(file, actor, program(1.0), "f"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("state.safetensors");
  }

  private static Checkpoint checkpoint() {
    return new Checkpoint(
        16, 1.0, PhaseSeconds.NONE, 10, false, new double[RowMetric.COUNT][STATES]);
  }

  private static RowProgram program(double stepSize) {
    return new RowProgram(
        Divergence.parse("forward-kl"),
        0.1,
        ClippedSurrogate.of(0.2),
        OptimizerKind.ADAM,
        StepRuleKind.BACKTRACKING,
        stepSize,
        4,
        1e-6);
  }

  /** Logits and moments that grow by {@code scale} from entry to entry. */
  private static ActorState actor(Precision precision, double scale) {
    ActorState actor = ActorState.allocate(ARENA, precision, STATES, ACTIONS, OptimizerKind.ADAM);
    double[] row = new double[ACTIONS];
    for (int s = 0; s < STATES; s++) {
      for (int table = 0; table < 3; table++) {
        for (int a = 0; a < ACTIONS; a++) {
          row[a] = scale * (a + ACTIONS * (s + STATES * table));
        }
        (table == 0 ? actor.logits() : actor.moments().get(table - 1)).writeRow(s, row);
      }
      if (scale != 0.0 && s > 0) {
        actor.stepSizes()[s] = scale * s;
        actor.momentumSteps()[s] = s;
        actor.finished()[s] = s == 2;
      }
    }
    return actor;
  }
}
