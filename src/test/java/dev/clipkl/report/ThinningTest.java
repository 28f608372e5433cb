package dev.clipkl.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ThinningTest {
  private static double[] positions(int length) {
    return IntStream.range(0, length).asDoubleStream().toArray();
  }

  @Test
  void shortCurveStaysAsItIs() {
    double[] x = positions(Thinning.MOST_POINTS);
    assertThat(Thinning.of(x, x)).isDeepEqualTo(new double[][] {x, x});
  }

  @Test
  void longCurveKeepsEndsAndEveryPeak() {
    double[] x = positions(100_000);
    double[] y = new double[x.length];
    Random random = new Random(3L);
    int[] peaks = random.ints(50, 0, x.length).toArray();
    Arrays.stream(peaks).forEach(i -> y[i] = 1.0 + random.nextDouble());
    double[][] thinned = Thinning.of(x, y);
    assertThat(thinned[0].length).isLessThanOrEqualTo(Thinning.MOST_POINTS);
    assertThat(thinned[0]).isSorted().startsWith(0.0).endsWith(x.length - 1.0);
    int stretch = x.length / (Thinning.MOST_POINTS / 6);
    for (int peak : peaks) {
      int start = peak / stretch * stretch;
      double greatest = Arrays.stream(y, start, start + stretch).max().getAsDouble();
      assertThat(thinned[1]).contains(greatest);
    }
  }

  @Test
  void whatIsNoNumberIsLeftOut() {
    double[][] finite =
        Thinning.of(new double[] {0, 1, 2, 3}, new double[] {1, Double.NaN, 3, 1.0 / 0.0});
    assertThat(finite).isDeepEqualTo(new double[][] {{0, 2}, {1, 3}});
  }
}
