package dev.clipkl.audit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.stream.IntStream;
import org.hipparchus.stat.descriptive.StreamingStatistics;
import org.junit.jupiter.api.Test;

class MomentsTest {
  @Test
  void exactMomentsAreThoseOfTheMixtureOfRows() {
    double[] start = {0.3, 0.7};
    double[][] law = {{0.5, 0.25, 0.25}, {0.1, 0.2, 0.7}};
    double[][] values = {{1.0, -2.0, 4.0}, {3.0, 0.5, -1.0}};
    ExactMoments moments = new ExactMoments();
    double mean = 0.0;
    for (int row = 0; row < 2; row++) {
      moments.addRow(start[row], law[row], values[row]);
      for (int a = 0; a < 3; a++) {
        mean += start[row] * law[row][a] * values[row][a];
      }
    }
    double variance = 0.0;
    double fourth = 0.0;
    for (int row = 0; row < 2; row++) {
      for (int a = 0; a < 3; a++) {
        double deviation = values[row][a] - mean;
        variance += start[row] * law[row][a] * deviation * deviation;
        fourth += start[row] * law[row][a] * Math.pow(deviation, 4);
      }
    }
    assertThat(moments.mean()).isCloseTo(mean, within(1e-15));
    assertThat(moments.variance()).isCloseTo(variance, within(1e-14));
    assertThat(moments.kurtosis()).isCloseTo(fourth / (variance * variance), within(1e-13));
  }

  @Test
  void sampleMomentsAreThoseOfTheRepeatedOutcomes() {
    long seed = 3;
    Random random = new Random(seed);
    double[] values = random.doubles(20, 99.0, 101.0).toArray();
    int[] counts = random.ints(20, 1, 9).toArray();
    SampleMoments moments = new SampleMoments();
    moments.addAll(values, new DrawnTokens(IntStream.range(0, 20).toArray(), counts));
    StreamingStatistics expected = new StreamingStatistics();
    for (int i = 0; i < 20; i++) {
      for (int repeat = 0; repeat < counts[i]; repeat++) {
        expected.addValue(values[i]);
      }
    }
    assertThat(moments.mean()).as("seed " + seed).isCloseTo(expected.getMean(), within(1e-12));
    assertThat(moments.standardError())
        .as("seed " + seed)
        .isCloseTo(
            expected.getStandardDeviation() / Math.sqrt((double) expected.getN()), within(1e-13));
  }
}
