package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.exact.TailRate.Trend;
import java.util.Arrays;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TailRateTest {
  private static double[] series(int length, IntToDoubleFunction gap) {
    double[] gaps = new double[length];
    Arrays.setAll(gaps, gap);
    return gaps;
  }

  private static TailRate fit(double[] gaps) {
    return TailRate.fit(gaps).orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({"0.01, 30", "0.5, 20", "0.5, 200", "0.9, 100", "0.9999, 300", "0.9999999, 1000"})
  void measuresAGeometricSeriesExactly(double ratio, int length) {
    TailRate rate = fit(series(length, n -> 0.3 * Math.pow(ratio, n)));
    assertThat(rate.trend()).isEqualTo(Trend.STEADY);
    assertThat(rate.ratio()).isCloseTo(ratio, within(1e-10));
    assertThat(rate.lower()).isLessThanOrEqualTo(rate.ratio());
    assertThat(rate.upper()).isGreaterThanOrEqualTo(rate.ratio());
    // Sums of squares keep half of the digits.
    assertThat(rate.upper() - rate.lower()).isLessThan(1e-7);
  }

  @Test
  void intervalHoldsTheRatioOfANoisySeriesAboutNineteenTimesOfTwenty() {
    int steady = 0;
    int covered = 0;
    for (long seed = 0; seed < 200; seed++) {
      Random random = new Random(seed);
      TailRate rate =
          fit(series(120, n -> Math.pow(0.9, n) * Math.exp(0.05 * random.nextGaussian())));
      assertThat(rate.ratio()).as("seed %d", seed).isCloseTo(0.9, within(5e-3));
      if (rate.trend() == Trend.STEADY) {
        steady++;
      }
      if (rate.lower() <= 0.9 && 0.9 <= rate.upper()) {
        covered++;
      }
    }
    assertThat(steady).isGreaterThan(190);
    assertThat(covered).isBetween(180, 199);
  }

  @Test
  void findsTheSlowModeBehindAFastOne() {
    TailRate rate = fit(series(200, n -> Math.pow(0.5, n) + 1e-3 * Math.pow(0.95, n)));
    assertThat(rate.trend()).isEqualTo(Trend.STEADY);
    assertThat(rate.ratio()).isCloseTo(0.95, within(2e-4));
    assertThat(rate.first()).isGreaterThan(0);
    assertThat(rate.last()).isEqualTo(199);
  }

  @Test
  void saysThatModesHaveNotSettled() {
    // The slow mode takes over only at the end of the series.
    TailRate rate = fit(series(40, n -> Math.pow(0.7, n) + 1e-6 * Math.pow(0.99, n)));
    assertThat(rate.trend()).isEqualTo(Trend.SLOWING);
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 50, 1000, 20_000})
  void recognisesSublinearSeriesOfAnyLength(int length) {
    for (double power : new double[] {0.5, 1.0, 2.0}) {
      TailRate rate = fit(series(length, n -> Math.pow(n + 1.0, -power)));
      assertThat(rate.trend()).as("power %s", power).isEqualTo(Trend.SLOWING);
    }
  }

  @Test
  void recognisesSuperlinearSeries() {
    assertThat(fit(new double[] {1e-1, 1e-2, 1e-4, 1e-8, 1e-16, 0.0}).trend())
        .isEqualTo(Trend.ACCELERATING);
    assertThat(fit(series(14, n -> Math.exp(-0.1 * Math.pow(1.4, n)))).trend())
        .isEqualTo(Trend.ACCELERATING);
    assertThat(fit(series(60, n -> Math.exp(-0.01 * n * n))).trend()).isEqualTo(Trend.ACCELERATING);
  }

  @Test
  void ignoresAFlatFloorOfRounding() {
    for (long seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      // Floors from float64's to float32's, that cover between a tenth and two thirds of the
      // series.
      double floor = Math.pow(10.0, -8.0 - 5.0 * random.nextDouble());
      int reached = (int) (Math.log(floor) / Math.log(0.8));
      int length = (int) (reached * (1.1 + 2.0 * random.nextDouble()));
      TailRate rate =
          fit(series(length, n -> Math.pow(0.8, n) + floor * (0.5 + random.nextDouble())));
      assertThat(rate.trend()).as("seed %d", seed).isEqualTo(Trend.STEADY);
      assertThat(rate.ratio()).as("seed %d", seed).isCloseTo(0.8, within(2e-3));
      assertThat(rate.last()).as("seed %d", seed).isLessThan(reached);
    }
  }

  @Test
  void exactZerosEndTheSeries() {
    TailRate rate = fit(series(50, n -> n < 20 ? Math.pow(0.3, n) : 0.0));
    assertThat(rate.ratio()).isCloseTo(0.3, within(1e-12));
    assertThat(rate.last()).isEqualTo(19);
  }

  @Test
  void aStalledRunIsNotTakenForAFloor() {
    Random random = new Random(5);
    TailRate rate =
        fit(series(400, n -> Math.pow(0.9, n) + 2e-2 * (1.0 + 0.1 * random.nextDouble())));
    assertThat(rate.last()).isEqualTo(399);
    assertThat(rate.upper()).isGreaterThan(0.9999);
  }

  @Test
  void isEmptyWhenThereIsNoTail() {
    assertThat(TailRate.fit(new double[0])).isEmpty();
    assertThat(TailRate.fit(new double[] {1.0, 0.1, 0.01})).isEmpty();
    assertThat(TailRate.fit(new double[] {1.0, 1e-14, 1e-15, 1e-16, 1e-16})).isEmpty();
    assertThat(TailRate.fit(new double[] {0.0, 0.0, 0.0, 0.0, 0.0})).isEmpty();
    assertThatThrownBy(() -> TailRate.fit(new double[] {1.0, Double.NaN}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("gap after 1 iterations must be finite, got NaN");
  }

  @Test
  void predictsTheRatioOfTheSlowerOfBothEnds() {
    assertThat(TailRate.predictedRatio(1.0, 0.1, 0.5)).isCloseTo(0.81, within(1e-15));
    assertThat(TailRate.predictedRatio(1.0, 0.1, 1.95)).isCloseTo(0.9025, within(1e-15));
    assertThat(TailRate.predictedRatio(1.0, 0.1, 2.5)).isCloseTo(2.25, within(1e-15));
  }

  @Test
  void predictsSteps() {
    assertThat(TailRate.predictedSteps(1.0, 1e-6, 0.01)).isCloseTo(3.0, within(1e-12));
    assertThat(TailRate.predictedSteps(1e-7, 1e-6, 0.01)).isZero();
    assertThat(TailRate.predictedSteps(1.0, 1e-6, 1.0)).isInfinite();
    assertThat(TailRate.predictedSteps(1.0, 1e-6, 0.0)).isEqualTo(1.0);
    assertThat(TailRate.predictedGradientSteps(1.0, 1e-6, 0.5, 0.2))
        .isCloseTo(TailRate.predictedSteps(1.0, 1e-6, 0.81), within(1e-9));
    assertThat(TailRate.predictedGradientSteps(1.0, 1e-6, 1.5, 1.0))
        .isCloseTo(TailRate.predictedSteps(1.0, 1e-6, 0.25), within(1e-9));
    assertThat(TailRate.predictedGradientSteps(1.0, 1e-6, 0.5, 0.0)).isInfinite();
    assertThat(TailRate.predictedGradientSteps(1.0, 1e-6, 2.0, 2.0)).isInfinite();
    // 1 - 1e-20 is 1 in float64; the count is ln(1e6) / 2e-20.
    assertThat(TailRate.predictedGradientSteps(1.0, 1e-6, 1e-8, 1e-12))
        .isCloseTo(Math.log(1e6) / 2e-20, within(1e8));
    assertThatThrownBy(() -> TailRate.predictedSteps(1.0, 0.0, 0.5))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
