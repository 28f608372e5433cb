package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;
import org.hipparchus.dfp.Dfp;
import org.hipparchus.dfp.DfpField;
import org.junit.jupiter.api.Test;

/** Errors in units in the last place of the exact result, from 40 decimal digits. */
final class DoubleLanesTest {
  private static final DfpField DIGITS = new DfpField(40);
  private static final int POINTS = 1024;

  @Test
  void exponentialsAreWithinOneUlp() {
    double[] x = uniform(11L, -708.0, 709.0);
    spread(x, 12L, -0.4, 0.4);
    double[] result = new double[POINTS];
    DoubleLanes.exp(x, 1.0, result, POINTS);
    assertWithin(1.0, x, result, Dfp::exp);
  }

  @Test
  void exponentialsLessOneAreWithinTwoUlp() {
    double[] x = uniform(13L, -40.0, 709.0);
    spread(x, 14L, -1.1, 1.1);
    for (int i = 0; i < POINTS; i += 5) {
      x[i] *= 1e-12;
    }
    double[] result = new double[POINTS];
    DoubleLanes.expm1(x, 1.0, result, POINTS);
    assertWithin(2.0, x, result, value -> value.exp().subtract(DIGITS.getOne()));
  }

  @Test
  void logarithmsAreWithinOneUlp() {
    double[] x = uniform(15L, -708.0, 709.0);
    for (int i = 0; i < POINTS; i++) {
      x[i] = Math.exp(x[i]);
    }
    spread(x, 16L, 0.6, 1.6);
    for (int i = 0; i < POINTS; i += 7) {
      x[i] = 1.0 + (x[i] - 1.0) * 1e-9;
    }
    double[] result = new double[POINTS];
    DoubleLanes.log(x, 0.0, result, POINTS);
    assertWithin(1.0, x, result, Dfp::log);
  }

  @Test
  void endsOfTheRangesAreExactLimits() {
    double[] x = new double[DoubleLanes.WIDTH];
    double[] result = new double[DoubleLanes.WIDTH];
    assertThat(at(x, result, -1e300, v -> DoubleLanes.exp(x, 1.0, result, v))).isZero();
    assertThat(at(x, result, -708.5, v -> DoubleLanes.exp(x, 1.0, result, v))).isZero();
    assertThat(at(x, result, 1e300, v -> DoubleLanes.exp(x, 1.0, result, v)))
        .isGreaterThan(1e307)
        .isFinite();
    assertThat(at(x, result, 0.0, v -> DoubleLanes.exp(x, 1.0, result, v))).isEqualTo(1.0);
    assertThat(at(x, result, -1e300, v -> DoubleLanes.expm1(x, 1.0, result, v))).isEqualTo(-1.0);
    assertThat(at(x, result, 0.0, v -> DoubleLanes.expm1(x, 1.0, result, v))).isZero();
    assertThat(at(x, result, 1.0, v -> DoubleLanes.log(x, 0.0, result, v))).isZero();
    assertThat(at(x, result, 0.0, v -> DoubleLanes.log(x, 0.0, result, v)))
        .isEqualTo(Math.log(Double.MIN_NORMAL));
    assertThat(at(x, result, Double.NaN, v -> DoubleLanes.exp(x, 1.0, result, v))).isNaN();
  }

  private interface Lanes {
    void apply(int length);
  }

  private static double at(double[] x, double[] result, double argument, Lanes lanes) {
    Arrays.fill(x, argument);
    lanes.apply(x.length);
    return result[x.length - 1];
  }

  private static double[] uniform(long seed, double least, double largest) {
    Random random = new Random(seed);
    DoubleUnaryOperator scale = x -> least + (largest - least) * x;
    return random.doubles(POINTS).map(scale).toArray();
  }

  /** Every second point from a narrow interval, where cancellation would show. */
  private static void spread(double[] x, long seed, double least, double largest) {
    double[] near = uniform(seed, least, largest);
    for (int i = 0; i < x.length; i += 2) {
      x[i] = near[i];
    }
  }

  private static void assertWithin(
      double ulps, double[] x, double[] result, UnaryOperator<Dfp> function) {
    for (int i = 0; i < x.length; i++) {
      Dfp exact = function.apply(DIGITS.newDfp(x[i]));
      double error =
          exact.subtract(DIGITS.newDfp(result[i])).toDouble() / Math.ulp(exact.toDouble());
      assertThat(Math.abs(error)).as("ulp at %s, got %s", x[i], result[i]).isLessThan(ulps);
    }
  }
}
