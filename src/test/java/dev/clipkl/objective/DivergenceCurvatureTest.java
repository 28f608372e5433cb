package dev.clipkl.objective;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.RowFixture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class DivergenceCurvatureTest {
  static Stream<Divergence> divergences() {
    return RowFixture.divergences();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void secondDerivativeIsTheSlopeOfTheFirst(Divergence divergence) {
    for (double w = 0.05; w < 20.0; w *= 1.3) {
      double step = 1e-5 * w;
      double slope =
          (divergence.derivative(Math.log(w + step)) - divergence.derivative(Math.log(w - step)))
              / (2.0 * step);
      double second = divergence.secondDerivative(Math.log(w));
      String situation = divergence.name() + " at " + w;
      assertThat(second).as(situation).isCloseTo(slope, within(1e-8 * slope));
      assertThat(second * w)
          .as(situation)
          .isCloseTo(divergence.curvature(Math.log(w)), within(1e-14 * second * w));
      assertThat(divergence.productDerivative(Math.log(w)))
          .as(situation)
          .isCloseTo(
              divergence.derivative(Math.log(w)) + divergence.curvature(Math.log(w)),
              within(1e-13 * (1.0 + second * w)));
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void secondDerivativeAtZeroIsItsLimit(Divergence divergence) {
    double near = divergence.logSecondDerivative(-1e4);
    double limit = divergence.secondDerivative(Double.NEGATIVE_INFINITY);
    double expected = near > 1e3 ? Double.POSITIVE_INFINITY : near < -1e3 ? 0.0 : Math.exp(near);
    assertThat(limit).as(divergence.name()).isEqualTo(expected);
    assertThat(divergence.secondDerivative(Double.NaN)).as(divergence.name()).isNaN();
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void leastSecondDerivativeIsThatOfAFineGrid(Divergence divergence) {
    double[][] segments = {{-3.0, 2.0}, {1.5, -0.5}, {0.3, 4.0}, {-2.0, -2.0}};
    for (double[] segment : segments) {
      double least = Double.POSITIVE_INFINITY;
      for (int i = 0; i <= 1000; i++) {
        double logRatio = segment[0] + i / 1000.0 * (segment[1] - segment[0]);
        least = Math.min(least, divergence.secondDerivative(logRatio));
      }
      assertThat(divergence.leastSecondDerivative(segment[0], segment[1]))
          .as("%s on [%s, %s]", divergence.name(), segment[0], segment[1])
          .isCloseTo(least, within(1e-14 * least));
    }
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void strongConvexityIsThatOfAFineGrid(Divergence divergence) {
    double[] logReference = RowFixture.log(0.04, 0.11, 0.6, 0.25);
    double least = Double.POSITIVE_INFINITY;
    for (double logQ : logReference) {
      for (int i = 0; i <= 4000; i++) {
        // p from 1 down to 1e-40, where alpha above 2 shows that its infimum is 0.
        double logP = -i / 4000.0 * 40.0 * Math.log(10.0);
        least = Math.min(least, divergence.secondDerivative(logP - logQ) / Math.exp(logQ));
      }
    }
    double convexity = divergence.strongConvexity(logReference[0], logReference[2]);
    assertThat(convexity).as(divergence.name()).isCloseTo(least, within(1e-12));
    assertThat(convexity).as(divergence.name()).isLessThanOrEqualTo(least * (1.0 + 1e-14));
  }

  @ParameterizedTest
  @MethodSource("divergences")
  void weightedDerivativeIsTheProductAndKeepsItsLimit(Divergence divergence) {
    for (double logP = -5.0; logP < -0.01; logP += 0.173) {
      double product = Math.exp(logP) * divergence.derivative(logP + 2.0);
      assertThat(divergence.weightedDerivative(logP, -2.0))
          .as(divergence.name())
          .isCloseTo(product, within(1e-14 * (1.0 + Math.abs(product))));
    }
    double atZero = divergence.weightedDerivative(Double.NEGATIVE_INFINITY, -2.0);
    assertThat(atZero)
        .as(divergence.name())
        .isCloseTo(divergence.weightedDerivative(-1e4, -2.0), within(1e-3));
  }

  @Test
  void weightedDerivativeSurvivesProbabilitiesThatUnderflow() {
    // p = e^-800 is 0 and 1 / w infinite in float64; p f' = p - q.
    assertThat(new ForwardKl().weightedDerivative(-800.0, -3.0))
        .isCloseTo(-Math.exp(-3.0), within(1e-16));
    assertThat(new ReverseKl().weightedDerivative(Double.NEGATIVE_INFINITY, -3.0)).isZero();
    assertThat(new ChiSquared().weightedDerivative(Double.NEGATIVE_INFINITY, -3.0)).isZero();
  }
}
