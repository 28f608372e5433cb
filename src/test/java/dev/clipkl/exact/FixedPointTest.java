package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.RowFixture;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FixedPointTest {
  private static final long SEED = 3L;

  @ParameterizedTest
  @ValueSource(doubles = {0.0, 0.5, 0.99, 0.9999})
  void solvesDiscountedChains(double discount) {
    double[][] matrix = chain(new Random(SEED), 60);
    double[] b = RowFixture.normal(new Random(SEED + 1), 60, 0.0, 1.0);
    FixedPoint.Solution solution = FixedPoint.solve(sweep(matrix, discount), b);
    double[] product = new double[60];
    sweep(matrix, discount).apply(solution.x(), product);
    double scale = Arrays.stream(solution.x()).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < 60; i++) {
      assertThat(solution.x()[i])
          .as("seed %d", SEED)
          .isCloseTo(b[i] + product[i], within(1e-14 * scale));
    }
    assertThat(solution.largestResidual()).isLessThan(1e-14 * scale);
  }

  @Test
  void needsFarFewerSweepsThanPlainOnes() {
    double[][] matrix = chain(new Random(SEED), 200);
    double[] b = RowFixture.normal(new Random(SEED + 1), 200, 0.0, 1.0);
    int sweeps = FixedPoint.solve(sweep(matrix, 0.99), b).sweeps();
    // Plain sweeps would need log(1e-14) / log(0.99), more than 3,000.
    assertThat(sweeps).isLessThan(150);
  }

  @Test
  void aSlowlyMixingRingIsSolvedToo() {
    int states = 500;
    FixedPoint.Sweep ring =
        (x, product) -> {
          for (int i = 0; i < states; i++) {
            product[i] = 0.999 * x[(i + 1) % states];
          }
        };
    double[] b = new double[states];
    b[0] = 1.0;
    FixedPoint.Solution solution = FixedPoint.solve(ring, b);
    // From state i the reward is states - i steps away, and comes again every round.
    double round = 1.0 - Math.pow(0.999, states);
    for (int i = 1; i < states; i++) {
      assertThat(solution.x()[i]).isCloseTo(Math.pow(0.999, states - i) / round, within(1e-9));
    }
  }

  private static FixedPoint.Sweep sweep(double[][] matrix, double discount) {
    return (x, product) -> {
      for (int i = 0; i < x.length; i++) {
        product[i] = discount * PolicyValues.dot(matrix[i], x);
      }
    };
  }

  private static double[][] chain(Random random, int states) {
    double[][] matrix = new double[states][];
    Arrays.setAll(matrix, s -> RowFixture.softmax(RowFixture.normal(random, states, 0.0, 2.0)));
    return matrix;
  }
}
