package dev.clipkl.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import org.junit.jupiter.api.Test;

class OutlookTest {
  private final Outlook outlook = new Outlook(1e-6, 100);

  private static MetricRecord record(int iteration, double gap, double rate, double seconds) {
    return new MetricRecord(
        iteration,
        Map.of(
            MetricNames.GAP, gap,
            MetricNames.RATE_MEASURED, rate,
            MetricNames.SECONDS, seconds));
  }

  @Test
  void wayIsMeasuredInPowersOfTenOrInIterationsIfThatIsMore() {
    assertThat(outlook.fraction(record(0, 1.0, Double.NaN, 0.0))).isZero();
    assertThat(outlook.fraction(record(3, 1e-3, 0.1, 3.0))).isCloseTo(0.5, within(1e-12));
    assertThat(outlook.fraction(record(80, 1e-3, 0.1, 3.0))).isEqualTo(0.8);
    assertThat(outlook.fraction(record(90, 1e-9, 0.1, 3.0))).isEqualTo(1.0);
  }

  @Test
  void timeLeftFollowsFromTheRateAndIsBoundedByTheIterations() {
    // Three more powers of ten at one each, two seconds each.
    assertThat(outlook.secondsLeft(record(5, 1.0001e-3, 0.1, 10.0)).orElseThrow()).isEqualTo(7.0);
    assertThat(outlook.secondsLeft(record(50, 0.9, 0.999999, 50.0)).orElseThrow()).isEqualTo(50.0);
    assertThat(outlook.secondsLeft(record(0, 1.0, Double.NaN, 0.0))).isEmpty();
    assertThat(outlook.secondsLeft(record(5, 1.0, 1.01, 1.0))).isEmpty();
  }
}
