package dev.clipkl.exact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.objective.Divergence;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The rate that a spectrum predicts is the rate that a run has (THEORY 4.5). */
final class TailRatePredictionTest {
  private static final double LAMBDA = 0.5;
  private static final int ACTIONS = 6;

  @ParameterizedTest
  @ValueSource(
      strings = {"reverse-kl", "forward-kl", "js", "hellinger2", "alpha(0.5)", "alpha(1.5)"})
  void fixedStepsContractAsPredicted(String name) {
    long seed = 3;
    Random random = new Random(seed);
    Divergence divergence = Divergence.parse(name);
    double[] logQ = RowFixture.logSoftmax(RowFixture.normal(random, ACTIONS, 0.0, 1.0));
    double[] values = RowFixture.normal(random, ACTIONS, 0.0, 0.3);
    RowOptimumSolver solver = new RowOptimumSolver(divergence, LAMBDA);
    double[] logOptimum = solver.logPolicy(solver.solve(logQ, values), logQ, values);
    double[] optimum = Arrays.stream(logOptimum).map(Math::exp).toArray();
    double[] curvature = new double[ACTIONS];
    double[] floor = new double[ACTIONS];
    for (int a = 0; a < ACTIONS; a++) {
      curvature[a] = divergence.curvature(logOptimum[a] - logQ[a]);
      floor[a] = Math.max(curvature[a], divergence.curvatureAtReference());
    }
    for (String kind : new String[] {"gradient", "preconditioned"}) {
      boolean gradient = kind.equals("gradient");
      RowSpectrum.Extremes spectrum =
          gradient
              ? RowSpectrum.of(optimum, curvature)
              : RowSpectrum.preconditioned(optimum, curvature, floor);
      // The slow modes of a spread reference separate before rounding hides them.
      double step = (gradient ? 1.0 / LAMBDA : 0.6) / spectrum.largest();
      double[] logits = logQ.clone();
      double[] gaps = new double[400];
      for (int n = 0; n < gaps.length; n++) {
        double[] logP = RowFixture.logSoftmax(logits);
        double mean = 0.0;
        double[] coefficient = new double[ACTIONS];
        for (int a = 0; a < ACTIONS; a++) {
          coefficient[a] = values[a] - LAMBDA * divergence.derivative(logP[a] - logQ[a]);
          mean += Math.exp(logP[a]) * coefficient[a];
          gaps[n] +=
              LAMBDA
                  * Math.exp(logQ[a])
                  * divergence.bregman(logP[a] - logQ[a], logOptimum[a] - logQ[a]);
        }
        for (int a = 0; a < ACTIONS; a++) {
          double h =
              Math.max(divergence.curvature(logP[a] - logQ[a]), divergence.curvatureAtReference());
          logits[a] +=
              step * (coefficient[a] - mean) * (gradient ? Math.exp(logP[a]) : 1.0 / (LAMBDA * h));
        }
      }
      double unit = gradient ? LAMBDA : 1.0;
      double predicted =
          TailRate.predictedRatio(step, unit * spectrum.smallest(), unit * spectrum.largest());
      TailRate measured = TailRate.fit(gaps).orElseThrow();
      String situation = "%s, %s, seed %d: %s".formatted(name, kind, seed, measured);
      assertThat(measured.trend()).as(situation).isEqualTo(TailRate.Trend.STEADY);
      assertThat(measured.ratio()).as(situation).isCloseTo(predicted, within(5e-3 * predicted));
    }
  }
}
