package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class FloatResolutionTest {
  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void theFloorIsTheGapOfTheRoundedOptimum(Divergence divergence) {
    long seed = 97L;
    Random random = new Random(seed);
    for (double lambda : new double[] {0.02, 0.1, 2.0}) {
      double measured = 0.0;
      double expected = 0.0;
      // One row's rounding has its luck: the mean of several has less of it.
      for (int row = 0; row < 24; row++) {
        double[] reference = RowFixture.logSoftmax(RowFixture.normal(random, 1500, 0.0, 1.5));
        double[] values = RowFixture.normal(random, 1500, 0.5, 0.2);
        RowOptimum optimum = new RowOptimumSolver(divergence, lambda).solve(reference, values);
        measured += roundedGap(divergence, lambda, optimum, reference, values);
        expected += FloatResolution.gapFloor(divergence, lambda, optimum, reference, values);
      }
      assertThat(measured / expected)
          .as("%s, lambda %s, seed %d", divergence.name(), lambda, seed)
          .isBetween(0.5, 2.0);
    }
  }

  /** The exact gap (THEORY 1.10) of the policy whose logits are log p*, rounded to float32. */
  private static double roundedGap(
      Divergence divergence,
      double lambda,
      RowOptimum optimum,
      double[] reference,
      double[] values) {
    double[] logits =
        new RowOptimumSolver(divergence, lambda).logPolicy(optimum, reference, values);
    for (int a = 0; a < logits.length; a++) {
      logits[a] = (float) logits[a];
    }
    double[] logPolicy = RowFixture.logSoftmax(logits);
    boolean hasSupremum = divergence.derivativeSupremum() < Double.POSITIVE_INFINITY;
    double gap = 0.0;
    for (int a = 0; a < logits.length; a++) {
      double t = optimum.conjugateArgument(values[a], lambda, hasSupremum);
      gap += Math.exp(reference[a]) * divergence.fenchelYoung(logPolicy[a] - reference[a], t);
    }
    return lambda * gap;
  }
}
