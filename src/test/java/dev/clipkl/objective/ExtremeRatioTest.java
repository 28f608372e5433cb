package dev.clipkl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.clipkl.engine.RowFixture;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Ratios whose exponentials are no longer numbers above 0, as small weights make them. */
class ExtremeRatioTest {
  private static final double[] LOG_RATIOS = {
    -20_000.0, -2_000.0, -760.0, -745.0, -740.0, -700.0, -100.0, -31.0, -29.0, -1.0, 0.0, 3.0
  };

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void distanceToTheReferenceIsNeverNaN(Divergence divergence) {
    for (double logRatio : LOG_RATIOS) {
      assertThat(divergence.value(logRatio))
          .as("%s at %s", divergence.name(), logRatio)
          .isGreaterThanOrEqualTo(0.0);
    }
  }

  @ParameterizedTest
  @CsvSource({"reverse-kl", "js"})
  void distanceToAnotherPolicyHasAllItsDigits(String name) {
    Divergence divergence = Divergence.parse(name);
    for (double logOther : LOG_RATIOS) {
      for (double logRatio : LOG_RATIOS) {
        if (logRatio < logOther - 20.0) {
          // What is left is f* of f'(v): the ratio's own term is (1 + x) e^-x of it.
          double difference = logOther - logRatio;
          double limit = divergence.bregman(Double.NEGATIVE_INFINITY, logOther);
          double relative = divergence.bregman(logRatio, logOther) / limit;
          if (limit > Double.MIN_NORMAL) {
            assertThat(relative)
                .as("%s of %s and %s", name, logRatio, logOther)
                .isCloseTo(1.0, withinPercentage(1e-8 + 1e4 * difference * Math.exp(-difference)));
          }
        }
      }
    }
  }
}
