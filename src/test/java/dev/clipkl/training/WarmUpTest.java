package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class WarmUpTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void visitsUntilItIsClosed(Divergence divergence) throws InterruptedException {
    for (double lambda : new double[] {1e-6, 0.1, 1e3}) {
      WarmUp warmUp;
      try (Engine engine = new VectorEngine(2);
          WarmUp begun =
              Objects.requireNonNull(WarmUp.begin(engine, program(divergence, lambda)))) {
        warmUp = begun;
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (begun.visits() < 2 && System.nanoTime() < deadline) {
          Thread.sleep(1L);
        }
      }
      int visits = warmUp.visits();
      assertThat(visits).as("visits at lambda %s", lambda).isGreaterThanOrEqualTo(2);
      Thread.sleep(2L);
      assertThat(warmUp.visits()).isEqualTo(visits);
    }
  }

  @Test
  void leavesASingleThreadAndOtherEnginesAlone() {
    RowProgram program = program(Divergence.parse("reverse-kl"), 0.1);
    try (Engine single = new VectorEngine(1);
        Engine reference = new ReferenceEngine(2)) {
      assertThat(WarmUp.begin(single, program)).isNull();
      assertThat(WarmUp.begin(reference, program)).isNull();
    }
  }

  private static RowProgram program(Divergence divergence, double lambda) {
    return new RowProgram(
        divergence,
        lambda,
        ClippedSurrogate.of(0.2),
        OptimizerKind.recommendedFor(divergence),
        StepRuleKind.BACKTRACKING,
        1.0,
        4,
        1e-6);
  }
}
