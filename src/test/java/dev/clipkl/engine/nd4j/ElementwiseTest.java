package dev.clipkl.engine.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.objective.Exponentials;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What the engine's bits rest on: operations of ND4J that it could not promise by itself. */
class ElementwiseTest {
  @BeforeAll
  static void start() {
    Nd4jStart.find().start(2);
  }

  static Stream<Arguments> functions() {
    return Stream.of(
        function("exp", Elementwise::exp),
        function("log", Elementwise::log),
        function("sqrt", Elementwise::sqrt),
        function("reciprocal", (x, z) -> x.rdivi(1.0, z)),
        function("softplus", (x, z) -> Elementwise.softplus(x, z, x.dup())),
        function("axpy", (x, z) -> Elementwise.addScaled(-0.3, x, x, z)));
  }

  private static Arguments function(String name, BiConsumer<INDArray, INDArray> function) {
    return Arguments.of(name, function);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("functions")
  void anEntrysResultDoesNotDependOnItsPlace(String name, BiConsumer<INDArray, INDArray> function) {
    long seed = 31L;
    Random random = new Random(seed);
    for (int i = 0; i < 40; i++) {
      float x = 0.01f + 5f * random.nextFloat();
      // Longer than the work of one thread, and no multiple of any vector's width.
      INDArray many = Nd4j.valueArrayOf(new long[] {3, 4001}, x, DataType.FLOAT);
      INDArray results = Nd4j.create(DataType.FLOAT, 3, 4001);
      function.accept(many, results);
      float[] numbers = results.data().asFloat();
      for (float number : numbers) {
        assertThat(number).as("%s of %s, seed %d", name, x, seed).isEqualTo(numbers[0]);
      }
    }
  }

  @Test
  void sumsOfARowDoNotDependOnTheRowsBesideIt() {
    long seed = 32L;
    Random random = new Random(seed);
    RowLayout layout = RowLayout.of(9001);
    try (SlotArray x = new SlotArray(DataType.FLOAT, 5, layout);
        SlotArray y = new SlotArray(DataType.FLOAT, 5, layout);
        RowReductions reductions = new RowReductions(layout)) {
      double[] exact = new double[5];
      fill(random, layout, x, y, exact);
      double[] together = reductions.dot(x.rows(0, 5), y.rows(0, 5));
      for (int first = 0; first < 5; first++) {
        for (int end = first + 1; end <= 5; end++) {
          double[] some = reductions.dot(x.rows(first, end), y.rows(first, end));
          for (int row = first; row < end; row++) {
            assertThat(some[row - first]).as("seed %d", seed).isEqualTo(together[row]);
          }
        }
      }
      // Float32 products, float64 sums: float32 sums would be off by 1e-4.
      assertThat(together).containsExactly(exact, within(1e-9));
    }
  }

  private static void fill(
      Random random, RowLayout layout, SlotArray x, SlotArray y, double[] dots) {
    for (int row = 0; row < dots.length; row++) {
      for (int a = 0; a < layout.columns(); a++) {
        float xa = (float) random.nextGaussian();
        float ya = (float) random.nextGaussian();
        x.rows(row, row + 1).putScalar(0, a, xa);
        y.rows(row, row + 1).putScalar(0, a, ya);
        dots[row] += xa * ya;
      }
    }
  }

  @Test
  void expMinusLinearKeepsItsDigitsNearZeroAndStaysFiniteFarFromIt() {
    double[] at = {-900.0, -3.0, -1e-5, 0.0, 1e-7, 0.1, 0.249, 0.251, -0.249, -0.251, 31.0, 300.0};
    INDArray x = Nd4j.createFromArray(at).reshape(1, at.length);
    double[] weights = new double[at.length];
    double[] products = new double[at.length];
    double[] expected = new double[at.length];
    for (int i = 0; i < at.length; i++) {
      // A probability that shrinks as its ratio to the optimum's grows.
      weights[i] = Math.exp(-Math.max(at[i], 0.0));
      products[i] = Math.exp(Math.min(at[i], 0.0));
      expected[i] = weights[i] * Exponentials.expMinusLinear(at[i]);
    }
    INDArray result = Nd4j.create(DataType.DOUBLE, 1, at.length);
    Elementwise.scaledExpMinusLinear(
        Nd4j.createFromArray(weights).reshape(1, at.length),
        x,
        Nd4j.createFromArray(products).reshape(1, at.length),
        result,
        x.dup(),
        x.dup());
    for (int i = 0; i < at.length; i++) {
      assertThat(result.getDouble(0, i))
          .as("x = %s", at[i])
          .isCloseTo(expected[i], within(1e-10 * expected[i]));
    }
  }
}
