package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.Golden;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimumMass;
import dev.clipkl.engine.OptimumSums;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.RowExtent;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.ScalarOptimumSweeps;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.objective.Divergence;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

final class RowOptimumSolverTest {

  @ParameterizedTest
  @CsvSource({
    "reverse-kl, rkl",
    "forward-kl, fkl",
    "js, js",
    "chi2, chi2",
    "hellinger2, hellinger2",
    "alpha(0.5), alpha0.5",
    "alpha(1.5), alpha1.5",
    "alpha(-1), alpha-1",
    "alpha(2), alpha2",
    "alpha(3), alpha3"
  })
  void reproducesGoldenOptima(String name, String golden) {
    Divergence divergence = Divergence.parse(name);
    requireGolden(divergence, golden, new ScalarOptimumSweeps(divergence, 0.5, 3));
    try (Engine engine = new VectorEngine(1)) {
      requireGolden(divergence, golden, engine.optimumSweeps(divergence, 0.5, 3));
    }
  }

  /** Its Newton step is exact from anywhere, so that only certificates follow. */
  @Test
  void reverseKlIsMeasuredOnce() {
    Divergence divergence = Divergence.parse("reverse-kl");
    Random random = new Random(23L);
    for (double lambda : new double[] {0.01, 0.1, 3.0}) {
      CountedSweeps sweeps = new CountedSweeps(new ScalarOptimumSweeps(divergence, lambda, 1000));
      RowOptimum optimum =
          new RowOptimumSolver(divergence, lambda)
              .solve(
                  sweeps,
                  RowFixture.zipfLogReference(random, 1000),
                  RowFixture.normal(random, 1000, 0.5, 0.2));
      assertThat(optimum.errorBound()).isBetween(0.0, 1e-13);
      assertThat(sweeps.measured).isEqualTo(1);
    }
  }

  /** Sweeps that know how often they have measured. */
  private static final class CountedSweeps implements OptimumSweeps {
    private final OptimumSweeps sweeps;
    private int measured;

    CountedSweeps(OptimumSweeps sweeps) {
      this.sweeps = sweeps;
    }

    @Override
    public RowExtent load(double[] logReference, double[] actionValues) {
      return sweeps.load(logReference, actionValues);
    }

    @Override
    public double loneActionOffset() {
      return sweeps.loneActionOffset();
    }

    @Override
    public OptimumMass measure(double offset) {
      measured++;
      return sweeps.measure(offset);
    }

    @Override
    public void probabilities(double offset, double[] destination) {
      sweeps.probabilities(offset, destination);
    }

    @Override
    public OptimumSums certify(double offset) {
      return sweeps.certify(offset);
    }
  }

  private static void requireGolden(Divergence divergence, String golden, OptimumSweeps sweeps) {
    JsonNode expected = Golden.of("G1." + golden);
    double[] reference = RowFixture.log(0.5, 0.3, 0.2);
    double[] values = {1.0, 0.2, 0.5};
    RowOptimumSolver solver = new RowOptimumSolver(divergence, 0.5);
    RowOptimum optimum = solver.solve(sweeps, reference, values);
    assertThat(optimum.value()).isCloseTo(expected.get("Vstar").doubleValue(), within(1e-14));
    assertThat(optimum.errorBound()).isBetween(0.0, 1e-14);
    double[] policy =
        Arrays.stream(solver.logPolicy(optimum, reference, values)).map(Math::exp).toArray();
    assertThat(policy).containsExactly(Golden.row(expected.get("pstar")), within(1e-14));
    sweeps.probabilities(optimum.offset(), policy);
    assertThat(policy).containsExactly(Golden.row(expected.get("pstar")), within(1e-14));
    assertThat(optimum.zeros()).isEqualTo(golden.equals("alpha3") ? 1 : 0);
    double nu = optimum.largestActionValue() + optimum.offset();
    if (divergence.derivativeSupremum() < Double.POSITIVE_INFINITY) {
      nu -= 0.5 * divergence.derivativeSupremum();
    }
    assertThat(nu).isCloseTo(expected.get("nu").doubleValue(), within(1e-14));
  }

  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void solvesLongRowsOverManyLambdasWithinItsOwnErrorBound(Divergence divergence) {
    long seed = 41L;
    Random random = new Random(seed);
    for (double lambda : new double[] {1e-3, 0.1, 1.0, 50.0}) {
      double[] reference = RowFixture.logSoftmax(RowFixture.normal(random, 20_011, 0.0, 3.0));
      double[] values = RowFixture.normal(random, 20_011, 0.5, 0.2);
      RowOptimumSolver solver = new RowOptimumSolver(divergence, lambda);
      RowOptimum optimum = solver.solve(reference, values);
      double mass =
          Arrays.stream(solver.logPolicy(optimum, reference, values)).map(Math::exp).sum();
      String situation = "%s, lambda %s, seed %d".formatted(divergence.name(), lambda, seed);
      assertThat(mass).as(situation).isCloseTo(1.0, within(1e-12));
      assertThat(optimum.errorBound()).as(situation).isBetween(0.0, 1e-11 * (1.0 + lambda));
    }
  }
}
