package dev.clipkl.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineContract;
import dev.clipkl.engine.EngineTolerance;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class Nd4jEngineTest extends EngineContract {
  private static final int ROWS = 6;

  @Override
  protected Engine open(int threads) {
    return new Nd4jEngine(threads);
  }

  @Override
  protected EngineTolerance tolerance() {
    return EngineTolerance.FLOAT32;
  }

  /**
   * Rows that backtrack at their own pace, freeze and finish apart: each must come out as if it
   * were alone, to the bit.
   */
  @Test
  void rowsOfABatchComeOutAsIfEachWereAlone() {
    RowProgram program =
        new RowProgram(
            Divergence.parse("forward-kl"),
            0.2,
            ClippedSurrogate.of(0.2),
            OptimizerKind.PRECONDITIONED,
            StepRuleKind.BACKTRACKING,
            1.0,
            3,
            1e-5);
    RowResults together = new RowResults(40, ROWS, 3);
    RowResults alone = new RowResults(40, ROWS, 3);
    try (Engine engine = open(2)) {
      RowBlock batch = block(engine, program);
      engine.run(batch, program, 40, together);
      RowBlock single = block(engine, program);
      for (int row = 0; row < ROWS; row++) {
        RowBlock one =
            new RowBlock(
                single.actor(),
                single.reference(),
                single.actionValues(),
                single.rowWeights(),
                Objects.requireNonNull(single.optima()),
                row,
                row + 1);
        engine.run(one, program, 40, alone);
        assertThat(RowFixture.row(single.actor().logits(), row))
            .isEqualTo(RowFixture.row(batch.actor().logits(), row));
      }
      double[] steps = together.metric(0, RowMetric.STEP_SIZE);
      assertThat(steps)
          .isNotEqualTo(new double[] {steps[0], steps[0], steps[0], steps[0], steps[0], steps[0]});
      for (RowMetric metric : RowMetric.values()) {
        for (int n = 0; n < 40; n++) {
          assertThat(alone.metric(n, metric))
              .as("%s, outer iteration %d", metric, n)
              .isEqualTo(together.metric(n, metric));
        }
      }
    }
  }

  private static RowBlock block(Engine engine, RowProgram program) {
    Random random = new Random(77L);
    double[][] reference = new double[ROWS][];
    double[][] values = new double[ROWS][];
    for (int row = 0; row < ROWS; row++) {
      reference[row] = RowFixture.zipfLogReference(random, 701);
      // From easy to hard, so that rows need different steps and finish apart.
      values[row] = RowFixture.normal(random, 701, 0.5, 0.02 * (1 << row));
    }
    return RowFixture.block(engine.kind(), program, reference, reference, values);
  }

  /** A row that fails ends its batch, and the engine goes on. */
  @Test
  void failureInARowEndsTheBatchAndNotTheEngine() {
    RowProgram program =
        new RowProgram(
            Divergence.parse("reverse-kl"),
            0.2,
            ClippedSurrogate.of(0.2),
            OptimizerKind.NATURAL,
            StepRuleKind.BACKTRACKING,
            1.0,
            2,
            0.0);
    try (Engine engine = open(1)) {
      RowBlock block = block(engine, program);
      RowResults tooSmall = new RowResults(1, 2, 2);
      assertThatThrownBy(() -> engine.run(block, program, 1, tooSmall))
          .isInstanceOf(ArrayIndexOutOfBoundsException.class);
      RowResults results = new RowResults(1, ROWS, 2);
      engine.run(block(engine, program), program, 1, results);
      assertThat(results.latest(RowMetric.STEPS_TAKEN)).containsOnly(2.0);
    }
  }
}
