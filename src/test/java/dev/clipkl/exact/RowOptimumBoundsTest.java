package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.objective.Divergence;
import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an optimum's error bound promises, on difficult rows, for scalar and vector sweeps. */
final class RowOptimumBoundsTest {
  private static final double[] LAMBDAS = {1e-6, 1e-3, 0.1, 1.0, 1e3};

  static Stream<Divergence> divergences() {
    return Stream.concat(
        RowFixture.divergences(),
        Stream.of("alpha(0.9)", "alpha(0.25)", "alpha(-2.5)", "alpha(1.1)", "alpha(4.5)")
            .map(Divergence::parse));
  }

  static Stream<Arguments> problems() {
    return divergences()
        .flatMap(divergence ->
            OptimumSituation.all().map(situation -> Arguments.of(divergence, situation)));
  }

  private static Stream<Engine> engines() {
    return Stream.of(new ReferenceEngine(1), new VectorEngine(1));
  }

  private static RowOptimum solve(
      Engine engine, Divergence divergence, double lambda, double[] reference, double[] values) {
    try (engine) {
      return new RowOptimumSolver(divergence, lambda)
          .solve(engine.optimumSweeps(divergence, lambda, values.length), reference, values);
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void boundsAreNarrowAndThePolicyIsNormalised(Divergence divergence, OptimumSituation situation) {
    double[] reference = situation.logReference();
    double[] values = situation.actionValues();
    double scale = Arrays.stream(values).map(Math::abs).max().orElseThrow();
    for (double lambda : LAMBDAS) {
      engines()
          .forEach(engine -> {
            String kind =
                "%s, %s, lambda %s, %s"
                    .formatted(divergence.name(), situation, lambda, engine.kind());
            RowOptimum optimum = solve(engine, divergence, lambda, reference, values);
            assertThat(optimum.errorBound())
                .as(kind)
                .isBetween(0.0, 1e-13 * (1.0 + scale + lambda));
            double[] policy =
                new RowOptimumSolver(divergence, lambda).logPolicy(optimum, reference, values);
            double mass = Arrays.stream(policy).map(Math::exp).sum();
            assertThat(mass).as(kind).isCloseTo(1.0, within(1e-12));
            assertThat((long) optimum.zeros())
                .as(kind)
                .isEqualTo(
                    Arrays.stream(policy).filter(x -> x == Double.NEGATIVE_INFINITY).count());
          });
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void preciseArithmeticFindsTheOptimumWithinTheBounds(
      Divergence divergence, OptimumSituation situation) {
    for (double lambda : new double[] {1e-3, 0.5, 1e3}) {
      engines()
          .forEach(engine -> {
            String kind =
                "%s, %s, lambda %s, %s"
                    .formatted(divergence.name(), situation, lambda, engine.kind());
            RowOptimum optimum =
                solve(
                    engine, divergence, lambda, situation.logReference(), situation.actionValues());
            PreciseRow precise =
                new PreciseRow(
                    divergence,
                    lambda,
                    optimum.largestActionValue(),
                    optimum.offset(),
                    situation.logReference(),
                    situation.actionValues());
            assertThat(precise.primalLess(optimum.lowerBound())).as(kind).isNotNegative();
            assertThat(precise.dualLess(optimum.upperBound())).as(kind).isNotPositive();
            assertThat(precise.dualLess(optimum.value()))
                .as(kind)
                .isCloseTo(0.0, within(optimum.errorBound()));
          });
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void sweepsOfBothKindsAgreeWithinTheirBounds(Divergence divergence, OptimumSituation situation) {
    for (double lambda : LAMBDAS) {
      RowOptimum[] optima =
          engines()
              .map(engine ->
                  solve(
                      engine,
                      divergence,
                      lambda,
                      situation.logReference(),
                      situation.actionValues()))
              .toArray(RowOptimum[]::new);
      assertThat(optima[1].value())
          .as("%s, %s, lambda %s", divergence.name(), situation, lambda)
          .isCloseTo(optima[0].value(), within(optima[0].errorBound() + optima[1].errorBound()));
      assertThat(optima[1].largestActionValue()).isEqualTo(optima[0].largestActionValue());
    }
  }

  @ParameterizedTest
  @MethodSource("problems")
  void theOptimumFallsAsLambdaGrowsAndStaysBetweenMeanAndMaximum(
      Divergence divergence, OptimumSituation situation) {
    double[] values = situation.actionValues();
    double largest = Arrays.stream(values).max().orElseThrow();
    double[] reference = situation.logReference();
    double mean = 0.0;
    double mass = 0.0;
    for (int a = 0; a < values.length; a++) {
      mean += Math.exp(reference[a]) * values[a];
      mass += Math.exp(reference[a]);
    }
    mean /= mass;
    double previous = Double.POSITIVE_INFINITY;
    for (double lambda : LAMBDAS) {
      RowOptimum optimum = solve(new VectorEngine(1), divergence, lambda, reference, values);
      String kind = "%s, %s, lambda %s".formatted(divergence.name(), situation, lambda);
      assertThat(optimum.lowerBound()).as(kind).isLessThanOrEqualTo(previous);
      assertThat(optimum.lowerBound()).as(kind).isLessThanOrEqualTo(largest);
      // A stored reference is normalised within 1e-7 only: lambda D(q / sum q) is of second order.
      assertThat(optimum.upperBound()).as(kind).isGreaterThanOrEqualTo(mean - lambda * 1e-12);
      previous = optimum.upperBound();
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void entriesThatAreNotFiniteAreRefused(double entry) {
    for (int length : new int[] {1, 3, 40}) {
      for (int a : new int[] {0, length - 1}) {
        double[] bad = DoubleStream.generate(() -> -1.0).limit(length).toArray();
        double[] good = bad.clone();
        bad[a] = entry;
        engines()
            .forEach(engine ->
                assertThatThrownBy(() -> solve(engine, Divergence.parse("js"), 1.0, good, bad))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessageContaining("finite"));
        engines()
            .forEach(engine ->
                assertThatThrownBy(() -> solve(engine, Divergence.parse("js"), 1.0, bad, good))
                    .isInstanceOf(ArithmeticException.class)
                    .hasMessageContaining("finite"));
      }
    }
  }
}
