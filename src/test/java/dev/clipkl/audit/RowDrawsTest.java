package dev.clipkl.audit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.hipparchus.stat.inference.ChiSquareTest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowDrawsTest {
  private static final double[] START = {0.2, 0.5, 0.3};
  private static final double[] LAW = {0.0, 0.1, 0.0, 0.6, 0.3, 0.0};

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void rowsAndTokensFollowTheirLaws(long seed) {
    int samples = 200_000;
    RowDraws draws =
        new RowDraws(new AuditSettings(List.of(samples), seed, 0.9), seed, START, LAW.length);
    long[] rows = new long[START.length];
    long[] tokens = new long[3];
    int[] possible = {1, 3, 4};
    for (int row = 0; row < START.length; row++) {
      DrawnTokens drawn = draws.tokens(row, LAW)[0];
      assertThat(drawn.tokens()).as("seed " + seed).containsExactly(possible);
      rows[row] = IntStream.of(drawn.counts()).sum();
      for (int i = 0; i < possible.length; i++) {
        tokens[i] += drawn.counts()[i];
      }
    }
    assertThat(rows[0] + rows[1] + rows[2]).isEqualTo(samples);
    ChiSquareTest test = new ChiSquareTest();
    assertThat(test.chiSquareTest(START, rows)).as("seed " + seed).isGreaterThan(1e-4);
    assertThat(test.chiSquareTest(new double[] {0.1, 0.6, 0.3}, tokens))
        .as("seed " + seed)
        .isGreaterThan(1e-4);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void rowsDoNotShareTheirUniformNumbers(long seed) {
    int actions = 100_000;
    double[] uniform = new double[actions];
    Arrays.fill(uniform, 1.0 / actions);
    RowDraws draws =
        new RowDraws(
            new AuditSettings(List.of(3000), seed, 0.9), seed, new double[] {0.5, 0.5}, actions);
    Set<Integer> first =
        IntStream.of(draws.tokens(0, uniform)[0].tokens()).boxed().collect(Collectors.toSet());
    long shared =
        IntStream.of(draws.tokens(1, uniform)[0].tokens()).filter(first::contains).count();
    // By chance about 1500^2 / 100,000 = 22; from shared numbers nearly 1500.
    assertThat(shared).as("seed " + seed).isLessThan(60);
  }
}
