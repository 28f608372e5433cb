package dev.clipkl.engine.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.objective.Exponentials;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class FloatLanesTest {
  private static final int COUNT = 1 << 20;

  /** Units in the last place of a float32. */
  private static final double LARGEST_ERROR = 5.0;

  @Test
  void expMinusLinearFarKeepsItsDigitsFromMinusAMillionToSixty() {
    float[] x = new float[COUNT];
    Random random = new Random(11L);
    for (int i = 0; i < COUNT; i++) {
      double size = Math.pow(10.0, 14.0 * random.nextDouble() - 8.0);
      x[i] = (float) (random.nextBoolean() ? -size : Math.min(size, 60.0));
    }
    float[] actual = new float[COUNT];
    FloatLanes.expMinusLinearFar(x, actual, COUNT);
    double largest = 0.0;
    float worst = 0f;
    for (int i = 0; i < COUNT; i++) {
      double exact =
          Math.abs(x[i]) < 1.0 ? Exponentials.expMinusLinear(x[i]) : Math.exp(x[i]) - 1.0 - x[i];
      double error = Math.abs(actual[i] - exact) / Math.ulp((float) exact);
      // Written so that NaN fails.
      if (!(error <= largest)) {
        largest = error;
        worst = x[i];
      }
    }
    assertThat(largest).as("x = %s", worst).isLessThan(LARGEST_ERROR);
  }

  @Test
  void expMinusLinearFarIsZeroAtZeroAndNanForNan() {
    float[] x = new float[FloatLanes.WIDTH];
    x[1] = Float.NaN;
    float[] actual = new float[FloatLanes.WIDTH];
    FloatLanes.expMinusLinearFar(x, actual, FloatLanes.WIDTH);
    assertThat(actual[0]).isZero();
    assertThat(actual[1]).isNaN();
  }
}
