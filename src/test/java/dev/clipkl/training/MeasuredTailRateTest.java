package dev.clipkl.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.StepRuleKind;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.PolicyValues;
import dev.clipkl.exact.RowSpectrum;
import dev.clipkl.exact.TailRate;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.objective.Divergence;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.MdpFixture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * How fast the gap closes near the optimum, against the eigenvalues of the value's Hessian there
 * (THEORY 4.5): {@code max_i (1 - eta mu_i)^2} per inner step.
 */
class MeasuredTailRateTest {
  private static final long SEED = 45L;

  /** Of the logits at the start: the quadratic model is then right to a thousandth. */
  private static final double PERTURBATION = 1e-3;

  /** The measured rate may exceed the predicted one by this much. */
  private static final double TOLERANCE = 0.02;

  /** Below this the optimum's own rounding shows. */
  private static final double LEAST_GAP = 1e-22;

  private static final int AVERAGED = 40;
  private static final int MOST_STEPS = 200_000;

  /** How long a step is, from the extreme eigenvalues. */
  enum Step {
    SHORT {
      @Override
      double length(double least, double largest) {
        return 1.0 / largest;
      }
    },
    BEST {
      @Override
      double length(double least, double largest) {
        return 2.0 / (least + largest);
      }
    },
    NEARLY_UNSTABLE {
      @Override
      double length(double least, double largest) {
        return 1.9 / largest;
      }
    };

    abstract double length(double least, double largest);
  }

  /** One run. */
  record Case(String divergence, double discount, WeightKind weights, Step step, int innerSteps) {}

  static Stream<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (String divergence :
        new String[] {"reverse-kl", "forward-kl", "js", "hellinger2", "alpha(1.5)"}) {
      for (double discount : new double[] {0.0, 0.8}) {
        for (WeightKind weights : WeightKind.values()) {
          for (Step step : Step.values()) {
            cases.add(new Case(divergence, discount, weights, step, 1));
          }
          cases.add(new Case(divergence, discount, weights, Step.SHORT, 4));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void gapClosesAtThePredictedRate(Case run) {
    Random random = new Random(SEED);
    FiniteMdp mdp = MdpFixture.random(random, 3, 4, run.discount());
    Divergence divergence = Divergence.parse(run.divergence());
    double lambda = 0.8;
    MdpSolver solver = new MdpSolver(mdp, divergence, lambda);
    MdpOptimum optimum = solver.policyIteration();
    double[] curvatures = curvatures(mdp, solver, optimum, divergence, lambda, run.weights());
    double least = Arrays.stream(curvatures).min().orElseThrow();
    double largest = Arrays.stream(curvatures).max().orElseThrow();
    double step = run.step().length(least, largest);
    double predicted = Math.pow(TailRate.predictedRatio(step, least, largest), run.innerSteps());

    double[][] logits =
        Arrays.stream(optimum.logPolicy()).map(double[]::clone).toArray(double[][]::new);
    for (double[] row : logits) {
      for (int a = 0; a < row.length; a++) {
        row[a] += PERTURBATION * random.nextGaussian();
      }
    }
    RowProgram program =
        new RowProgram(
                divergence,
                lambda,
                ClippedSurrogate.of(0.2),
                OptimizerKind.GRADIENT,
                StepRuleKind.FIXED,
                step,
                run.innerSteps(),
                0.0)
            .withSmoothness(1.0);
    assertThat(measuredRate(mdp, solver, optimum, program, run.weights(), logits))
        .as("predicted %s, seed %d", predicted, SEED)
        .isBetween((1.0 - TOLERANCE) * predicted, (1.0 + TOLERANCE) * predicted);
  }

  /** The mean ratio of two gaps in a row, over the last iterations before rounding shows. */
  private static double measuredRate(
      FiniteMdp mdp,
      MdpSolver solver,
      MdpOptimum optimum,
      RowProgram program,
      WeightKind weights,
      double[][] logits) {
    List<Double> gaps = new ArrayList<>();
    try (MdpIterations iterations =
        new MdpIterations(mdp, solver, optimum, program, weights, logits)) {
      gaps.add(iterations.gap());
      while (gaps.getLast() > LEAST_GAP && gaps.size() < MOST_STEPS) {
        iterations.next();
        gaps.add(iterations.gap());
      }
    }
    int last = gaps.size() - 1;
    int averaged = Math.min(AVERAGED, last / 2);
    assertThat(gaps.getLast()).as("end of the run").isLessThanOrEqualTo(LEAST_GAP);
    return Math.pow(gaps.get(last) / gaps.get(last - averaged), 1.0 / averaged);
  }

  /** The nonzero eigenvalues of every state's {@code lambda d*(s) H D H}, d* being 1 by row. */
  private static double[] curvatures(
      FiniteMdp mdp,
      MdpSolver solver,
      MdpOptimum optimum,
      Divergence divergence,
      double lambda,
      WeightKind weights) {
    PolicyValues values = solver.evaluator().evaluate(optimum.logPolicy());
    double[] reference = new double[mdp.actions()];
    List<Double> curvatures = new ArrayList<>();
    for (int s = 0; s < mdp.states(); s++) {
      mdp.reference().readRow(s, reference);
      double factor = lambda * (weights == WeightKind.ROW ? 1.0 : values.visitation()[s]);
      double[] eigenvalues =
          new EigenDecompositionSymmetric(
                  new Array2DRowRealMatrix(
                      rowCurvature(divergence, optimum.logPolicy()[s], reference, factor), false))
              .getEigenvalues();
      Arrays.sort(eigenvalues);
      RowSpectrum.Extremes spectrum = spectrum(divergence, optimum.logPolicy()[s], reference);
      assertThat(factor * spectrum.smallest()).isCloseTo(eigenvalues[1], withinPercentage(1e-7));
      assertThat(factor * spectrum.largest())
          .isCloseTo(eigenvalues[eigenvalues.length - 1], withinPercentage(1e-7));
      // The least one is 0: logits that differ by a constant are one policy.
      assertThat(eigenvalues[0]).isLessThan(1e-12 * eigenvalues[eigenvalues.length - 1]);
      Arrays.stream(eigenvalues).skip(1).forEach(curvatures::add);
    }
    return curvatures.stream().mapToDouble(mu -> mu).toArray();
  }

  /** The same ends without a matrix. */
  private static RowSpectrum.Extremes spectrum(
      Divergence divergence, double[] logPolicy, double[] logReference) {
    double[] probabilities = Arrays.stream(logPolicy).map(Math::exp).toArray();
    double[] curvature = new double[logPolicy.length];
    for (int a = 0; a < curvature.length; a++) {
      curvature[a] = divergence.curvature(logPolicy[a] - logReference[a]);
    }
    return RowSpectrum.of(probabilities, curvature);
  }

  /** {@code factor H D H}, {@code H = diag(p) - p p^T}, {@code D = diag(w f''(w) / p)}. */
  private static double[][] rowCurvature(
      Divergence divergence, double[] logPolicy, double[] logReference, double factor) {
    int actions = logPolicy.length;
    double[] p = Arrays.stream(logPolicy).map(Math::exp).toArray();
    double[][] product = new double[actions][actions];
    for (int i = 0; i < actions; i++) {
      for (int j = 0; j < actions; j++) {
        for (int a = 0; a < actions; a++) {
          double left = p[i] * ((i == a ? 1.0 : 0.0) - p[a]);
          double right = p[a] * ((a == j ? 1.0 : 0.0) - p[j]);
          double weight = divergence.curvature(logPolicy[a] - logReference[a]) / p[a];
          product[i][j] += factor * left * weight * right;
        }
      }
    }
    return product;
  }
}
