package dev.clipkl.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.MemoryBudget;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import org.junit.jupiter.api.Test;

class EngineBenchTest {
  private static final BenchSettings SMALL =
      new BenchSettings(
          1000,
          8,
          List.of(1, 3),
          List.of(Divergence.parse("reverse-kl"), Divergence.parse("chi2")),
          2,
          0.01);

  @Test
  void everyCombinationIsTimedAndItsNumbersFitTogether() {
    try (Engine vector = new VectorEngine(2);
        Engine reference = new ReferenceEngine(2)) {
      BenchResult result =
          new EngineBench(SMALL, List.of(vector, reference))
              .run(new MemoryBudget(Long.MAX_VALUE, "the test"));
      assertThat(result.lines()).hasSize(2 * 2 * 2 * 2);
      assertThat(result.rounds()).isGreaterThanOrEqualTo(5);
      assertThat(result.memoryNanoseconds().median()).isPositive();
      for (BenchLine line : result.lines()) {
        assertThat(line.rows()).isBetween(2, 8);
        assertThat(line.nanoseconds().median())
            .isBetween(line.nanoseconds().least(), line.nanoseconds().largest())
            .isPositive();
        assertThat(line.entriesPerSecond() * line.nanoseconds().median())
            .isCloseTo(1e9, within(1.0));
        assertThat(line.gigabytesPerSecond() / line.shareOfBandwidth())
            .isCloseTo(result.memoryGigabytesPerSecond(), within(1e-9));
        if (line.method().equals("fixed")) {
          assertThat(line.acceptedSteps()).isEqualTo(line.innerSteps());
          assertThat(line.rejectedSteps()).isZero();
        } else {
          assertThat(line.acceptedSteps()).isBetween(0.0, (double) line.innerSteps());
        }
      }
    }
  }

  @Test
  void tablesThatDoNotFitAreOneErrorBeforeAnythingIsAllocated() {
    try (Engine vector = new VectorEngine(1)) {
      EngineBench bench = new EngineBench(SMALL, List.of(vector));
      assertThatThrownBy(() -> bench.run(new MemoryBudget(1000, "the test")))
          .isInstanceOf(EnvironmentException.class)
          .hasMessageContaining("bandwidth sweep 256")
          .hasMessageContaining("lower --rows or --vocabulary");
    }
  }

  @Test
  void memorySweepTouchesEveryEntry() {
    try (MemoryBandwidth bandwidth = new MemoryBandwidth(3)) {
      assertThat(bandwidth.leastEntry()).isZero();
      assertThat(bandwidth.sweep()).isPositive();
      assertThat(bandwidth.leastEntry()).isEqualTo(0.75f);
    }
  }

  @Test
  void referenceIsADistributionAndRowsDifferButRepeat() {
    SyntheticRows rows = new SyntheticRows(777, 1);
    float[] first = new float[777];
    float[] second = new float[777];
    rows.readReference(0, first);
    rows.readReference(1, second);
    double sum = 0.0;
    for (float logProbability : first) {
      sum += Math.exp(logProbability);
    }
    assertThat(sum).isCloseTo(1.0, within(1e-6));
    assertThat(first).isNotEqualTo(second);
    Arrays.sort(first);
    Arrays.sort(second);
    assertThat(first).isEqualTo(second);
    float[] again = new float[777];
    new SyntheticRows(777, 1).readReference(1, again);
    rows.readReference(1, second);
    assertThat(again).isEqualTo(second);
    rows.readRewards(1, again);
    assertThat(again).isNotEqualTo(second);
  }

  @Test
  void samplesAreTakenByTurnsAndWarmUpIsNotAmongThem() {
    List<String> order = new ArrayList<>();
    double[] clock = {1000.0, 100.0, 3.0, 3.0, 1.0, 2.0, 30.0, 4.0, 5.0};
    int[] calls = {0};
    DoubleSupplier first =
        () -> {
          order.add("first");
          return clock[Math.min(calls[0]++, clock.length - 1)];
        };
    DoubleSupplier second =
        () -> {
          order.add("second");
          return 7.0;
        };
    // Each round takes no time, so that the warm-up ends because two rounds agree.
    InterleavedRounds.Outcome outcome =
        new InterleavedRounds(5, 1e-9).measure(List.of(first, second));
    assertThat(outcome.warmUpRounds()).isEqualTo(1);
    assertThat(outcome.spreads().get(0)).isEqualTo(new Spread(3.0, 1.0, 100.0, 5));
    assertThat(outcome.spreads().get(1)).isEqualTo(new Spread(7.0, 7.0, 7.0, 5));
    assertThat(order.subList(0, 4)).containsExactly("first", "second", "first", "second");
  }

  @Test
  void medianOfAnEvenNumberIsBetweenTheMiddleTwo() {
    assertThat(Spread.of(4.0, 1.0, 3.0, 100.0)).isEqualTo(new Spread(3.5, 1.0, 100.0, 4));
    assertThat(Spread.of(2.0).times(1e9).median()).isEqualTo(2e9);
    assertThatThrownBy(Spread::of).isInstanceOf(IllegalArgumentException.class);
  }
}
