package dev.clipkl.engine;

import static dev.clipkl.engine.RowFixture.log;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Where every engine's row programs must lead, and that they end there. */
public abstract class ConvergenceContract extends GroupMassesContract {

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void certifiedRuleConvergesToTheExactOptimum(Divergence divergence) {
    int columns = 1003;
    long seed = 11L;
    Random random = new Random(seed);
    double[] reference = RowFixture.zipfLogReference(random, columns);
    double[] values = RowFixture.normal(random, columns, 0.5, 0.2);
    RowProgram program =
        new RowProgram(
            divergence,
            0.5,
            ClippedSurrogate.of(0.2),
            OptimizerKind.recommendedFor(divergence),
            StepRuleKind.BACKTRACKING,
            1.0,
            4,
            1e-6);
    int outerIterations = 400;
    try (Engine engine = open(1)) {
      RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
      RowResults results = new RowResults(outerIterations, 1, 4);
      engine.run(block, program, outerIterations, results);
      double previous = Double.NEGATIVE_INFINITY;
      for (int n = 0; n < outerIterations; n++) {
        double value = results.metric(n, RowMetric.VALUE)[0];
        assertThat(value)
            .as("%s, outer iteration %d, seed %d", divergence.name(), n, seed)
            .isGreaterThanOrEqualTo(previous - tolerance().monotonicity());
        previous = value;
      }
      assertThat(results.latest(RowMetric.GAP)[0])
          .as("%s, seed %d", divergence.name(), seed)
          .isBetween(0.0, 1e-6);
      assertThat(block.actor().finished()[0]).as(divergence.name()).isTrue();
      RowOptimum optimum = new RowOptimumSolver(divergence, 0.5).solve(reference, values);
      assertThat(optimum.value() - previous).isCloseTo(0.0, within(1e-6 + tolerance().value()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "forward-kl, GRADIENT",
    "forward-kl, PRECONDITIONED",
    "js, PRECONDITIONED",
    "hellinger2, GRADIENT"
  })
  void convergesAsFarAsThePolicyCanTellAndStaysThere(String divergence, OptimizerKind optimizer) {
    int columns = 60;
    long seed = 23L;
    Random random = new Random(seed);
    double[] reference = RowFixture.zipfLogReference(random, columns);
    double[] values = RowFixture.normal(random, columns, 0.5, 0.2);
    RowProgram program =
        new RowProgram(
            Divergence.parse(divergence),
            0.2,
            ClippedSurrogate.of(0.2),
            optimizer,
            StepRuleKind.BACKTRACKING,
            1.0,
            4,
            0.0);
    int outerIterations = 300;
    try (Engine engine = open(1)) {
      RowBlock block = RowFixture.block(engine.kind(), program, reference, reference, values);
      RowResults results = new RowResults(outerIterations, 1, 4);
      engine.run(block, program, outerIterations, results);
      double[] gaps =
          IntStream.range(0, outerIterations)
              .mapToDouble(n -> results.metric(n, RowMetric.GAP)[0])
              .toArray();
      double least = Double.POSITIVE_INFINITY;
      for (int n = 0; n < outerIterations; n++) {
        least = Math.min(least, gaps[n]);
        assertThat(gaps[n])
            .as("gap after outer iteration %d, having been %s, seed %d", n, least, seed)
            .isLessThan(Math.max(1e-9, 10.0 * least));
      }
      assertThat(least).as("seed %d", seed).isLessThan(1e-6);
    }
  }

  @Test
  void stepThatMovesALogitByHundredsStaysFinite() {
    RowProgram program =
        new RowProgram(
            Divergence.parse("reverse-kl"),
            0.001,
            ClippedSurrogate.of(0.2),
            OptimizerKind.NATURAL,
            StepRuleKind.FIXED,
            1.0,
            1,
            0.0);
    double[] reference = log(0.25, 0.25, 0.25, 0.25);
    try (Engine engine = open(1)) {
      RowBlock block =
          RowFixture.block(
              engine.kind(),
              program,
              new double[][] {reference},
              new double[][] {reference},
              new double[][] {{0.0, 0.3, 0.1, 0.2}});
      RowResults results = new RowResults(1, 1, 1);
      engine.run(block, program, 1, results);
      assertThat(RowFixture.softmax(RowFixture.row(block.actor().logits(), 0)))
          .containsExactly(new double[] {0.0, 1.0, 0.0, 0.0}, within(1e-9));
      assertThat(results.latest(RowMetric.VALUE)[0])
          .isCloseTo(0.3 - 0.001 * Math.log(4.0), within(tolerance().value()));
      assertThat(results.latest(RowMetric.GAP)[0]).isBetween(0.0, tolerance().value());
    }
  }

  @Test
  void finishedRowIsLeftAlone() {
    RowProgram program =
        new RowProgram(
            Divergence.parse("reverse-kl"),
            0.5,
            ClippedSurrogate.of(0.2),
            OptimizerKind.NATURAL,
            StepRuleKind.BACKTRACKING,
            1.0,
            4,
            1e-3);
    try (Engine engine = open(1)) {
      double[] reference = log(0.5, 0.3, 0.2);
      RowBlock block =
          RowFixture.block(
              engine.kind(), program, reference, reference, new double[] {1.0, 0.2, 0.5});
      RowResults results = new RowResults(30, 1, 4);
      engine.run(block, program, 30, results);
      double[] finished = RowFixture.row(block.actor().logits(), 0);
      assertThat(results.metric(29, RowMetric.STEPS_TAKEN)[0]).isZero();
      assertThat(results.metric(29, RowMetric.GAP)[0]).isEqualTo(results.latest(RowMetric.GAP)[0]);
      engine.run(block, program, 5, results);
      assertThat(RowFixture.row(block.actor().logits(), 0)).isEqualTo(finished);
      assertThat(results.metric(4, RowMetric.VALUE)[0])
          .isEqualTo(results.latest(RowMetric.VALUE)[0]);
    }
  }
}
