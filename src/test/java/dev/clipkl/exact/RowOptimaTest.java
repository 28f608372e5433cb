package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

final class RowOptimaTest {
  private static final long SEED = 83L;
  private static final int STATES = 7;
  private static final int ACTIONS = 4099;

  private final double[][] references = new double[STATES][];
  private final double[][] rewards = new double[STATES][];

  RowOptimaTest() {
    Random random = new Random(SEED);
    for (int s = 0; s < STATES; s++) {
      references[s] = RowFixture.zipfLogReference(random, ACTIONS);
      rewards[s] = RowFixture.normal(random, ACTIONS, 0.5, 0.2);
    }
  }

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  private RowOptimum[] solve(Engine engine, Divergence divergence, RowTable.Precision precision) {
    try (engine) {
      return RowOptima.solve(
          engine,
          divergence,
          0.1,
          RowFixture.table(precision, references),
          RowFixture.table(precision, rewards));
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void threadsAndStorageChangeNoBit(Divergence divergence) {
    RowOptimum[] expected = solve(new VectorEngine(1), divergence, RowTable.Precision.FLOAT32);
    for (int threads : new int[] {2, 3, 8}) {
      assertThat(solve(new VectorEngine(threads), divergence, RowTable.Precision.FLOAT32))
          .as("%d threads, seed %d", threads, SEED)
          .containsExactly(expected);
    }
    assertThat(solve(new VectorEngine(2), divergence, RowTable.Precision.FLOAT64))
        .as("seed %d", SEED)
        .containsExactly(expected);
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void vectorSweepsAgreeWithTheOracleOnLongRows(Divergence divergence) {
    RowOptimum[] vector = solve(new VectorEngine(2), divergence, RowTable.Precision.FLOAT32);
    RowOptimum[] scalar = solve(new ReferenceEngine(2), divergence, RowTable.Precision.FLOAT32);
    for (int s = 0; s < STATES; s++) {
      String kind = "%s, state %d, seed %d".formatted(divergence.name(), s, SEED);
      assertThat(vector[s].value())
          .as(kind)
          .isCloseTo(scalar[s].value(), within(vector[s].errorBound() + scalar[s].errorBound()));
      assertThat(vector[s].errorBound()).as(kind).isBetween(0.0, 1e-14);
      assertThat(vector[s].zeros()).as(kind).isEqualTo(scalar[s].zeros());
    }
  }

  @Test
  void oneRewardRowForAllStatesIsReadForEach() {
    RowTable one = RowTable.broadcast(Arena.ofAuto(), STATES, ACTIONS);
    one.writeRow(0, rewards[0]);
    double[][] copies = new double[STATES][];
    Arrays.fill(copies, rewards[0]);
    RowTable all = RowFixture.table(RowTable.Precision.FLOAT32, copies);
    RowTable reference = RowFixture.table(RowTable.Precision.FLOAT32, references);
    try (Engine engine = new VectorEngine(2)) {
      Divergence divergence = Divergence.parse("forward-kl");
      assertThat(RowOptima.solve(engine, divergence, 0.1, reference, one))
          .containsExactly(RowOptima.solve(engine, divergence, 0.1, reference, all));
    }
  }

  /** By hand: chi2 keeps both of two actions while {@code 2 lambda > q_best gap}. */
  @ParameterizedTest
  @EnumSource(
      value = RowTable.Precision.class,
      names = {"FLOAT32", "FLOAT64"})
  void rowsWithZerosAreCounted(RowTable.Precision precision) {
    RowTable reference =
        RowFixture.table(precision, RowFixture.log(0.5, 0.5), RowFixture.log(0.5, 0.5));
    RowTable values =
        RowFixture.table(precision, new double[] {1.0, 0.75}, new double[] {1.0, 0.25});
    try (Engine engine = new VectorEngine(1)) {
      RowOptimum[] optima =
          RowOptima.solve(engine, Divergence.parse("chi2"), 0.125, reference, values);
      assertThat(optima[0].zeros()).isZero();
      assertThat(optima[1].zeros()).isEqualTo(1);
      assertThat(RowOptima.rowsWithZeros(optima)).isEqualTo(1);
      assertThat(optima[1].value()).isCloseTo(1.0 - 0.125, within(1e-7));
    }
  }
}
