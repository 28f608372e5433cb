package dev.clipkl.training;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.exact.FloatResolution;
import dev.clipkl.exact.RowGap;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.exact.RowSpectrum;
import dev.clipkl.exact.TailRate;
import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A few rows of a run, evenly spaced: enough for a warning, which names an order of magnitude, at
 * no noticeable cost. {@code clipkl certify} looks at all.
 */
final class SampledRows {
  private static final int MOST_ROWS = 8;

  private final RowProgram program;
  private final RowTable reference;
  private final RowOptimum[] optima;
  private final double[][] actionValues;
  private final double[][] logReference;

  SampledRows(LoadedRun run) {
    program = run.program();
    reference = run.problem().reference();
    RowOptimum[] all = run.coupling().optima();
    int count = Math.min(MOST_ROWS, all.length);
    int[] rows = IntStream.range(0, count).map(i -> i * all.length / count).toArray();
    optima = Arrays.stream(rows).mapToObj(row -> all[row]).toArray(RowOptimum[]::new);
    logReference =
        Arrays.stream(rows).mapToObj(row -> read(reference, row)).toArray(double[][]::new);
    actionValues =
        Arrays.stream(rows)
            .mapToObj(row -> {
              double[] values = new double[reference.columns()];
              run.coupling().readOptimalActionValues(row, values);
              return values;
            })
            .toArray(double[][]::new);
  }

  private static double[] read(RowTable table, int row) {
    double[] values = new double[table.columns()];
    table.readRow(row, values);
    return values;
  }

  /** The mean gap that rounding the optimal logits to float32 leaves ({@link FloatResolution}). */
  double floatGapFloor() {
    return IntStream.range(0, optima.length)
        .mapToDouble(i ->
            FloatResolution.gapFloor(
                program.divergence(),
                program.lambda(),
                optima[i],
                logReference[i],
                actionValues[i]))
        .average()
        .orElse(0.0);
  }

  /**
   * Steps of plain gradient ascent with steps of {@code 1 / L} from the reference to the tolerance,
   * in the slowest of these rows (THEORY 6); infinite where its optimum has zeros.
   */
  double gradientSteps(double tolerance) {
    return IntStream.range(0, optima.length)
        .mapToDouble(i -> gradientSteps(i, tolerance))
        .max()
        .orElse(0.0);
  }

  private double gradientSteps(int i, double tolerance) {
    double lambda = program.lambda();
    double gap =
        RowGap.of(
            program.divergence(),
            lambda,
            optima[i],
            logReference[i],
            logReference[i],
            actionValues[i]);
    double[] logOptimum =
        new RowOptimumSolver(program.divergence(), lambda)
            .logPolicy(optima[i], logReference[i], actionValues[i]);
    double[] probabilities = Arrays.stream(logOptimum).map(Math::exp).toArray();
    double[] curvature = new double[logOptimum.length];
    for (int a = 0; a < curvature.length; a++) {
      curvature[a] = program.divergence().curvature(logOptimum[a] - logReference[i][a]);
    }
    double span =
        Arrays.stream(actionValues[i]).max().orElseThrow()
            - Arrays.stream(actionValues[i]).min().orElseThrow();
    double smoothness = RowSmoothness.constant(program.divergence(), lambda, span);
    return TailRate.predictedGradientSteps(
        gap,
        tolerance,
        1.0 / smoothness,
        lambda * RowSpectrum.bounds(probabilities, curvature).lower());
  }
}
