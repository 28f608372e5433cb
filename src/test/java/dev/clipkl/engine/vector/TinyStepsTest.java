package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps below the resolution of float32 logits must not be lost. */
final class TinyStepsTest {
  private static final int COLUMNS = 67;
  private static final int STEPS = 100_000;

  private static final double STEP_SIZE = 0.005;

  /** Without what rounding takes kept, these end 1e-4 away, and farther for more columns. */
  private static final double LARGEST_DISTANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(strings = {"reverse-kl", "forward-kl", "js"})
  void hundredThousandTinyStepsEndWhereTheOracleDoes(String divergence) {
    RowProgram program =
        new RowProgram(
            Divergence.parse(divergence),
            0.1,
            ClippedSurrogate.of(0.2),
            OptimizerKind.GRADIENT,
            StepRuleKind.FIXED,
            STEP_SIZE,
            4,
            0.0);
    double[] exact = train(new ReferenceEngine(1), program);
    double[] actual = train(new VectorEngine(1), program);
    double distance = 0.0;
    for (int a = 0; a < COLUMNS; a++) {
      distance += 0.5 * Math.abs(actual[a] - exact[a]);
    }
    assertThat(distance).isLessThan(LARGEST_DISTANCE);
  }

  private static double[] train(Engine engine, RowProgram program) {
    Random random = new Random(41L);
    double[][] reference = {RowFixture.zipfLogReference(random, COLUMNS)};
    double[][] values = {RowFixture.normal(random, COLUMNS, 0.5, 0.2)};
    try (engine) {
      RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
      engine.run(block, program, STEPS / program.innerSteps(), null);
      return RowFixture.softmax(RowFixture.row(block.actor().logits(), 0));
    }
  }
}
