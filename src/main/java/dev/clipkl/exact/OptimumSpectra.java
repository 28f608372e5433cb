package dev.clipkl.exact;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * The local spectra of all rows at the optimum (THEORY 4.5, 4.6). Rows do not couple there, so that
 * every row has its own; only the rows that can be the slowest are solved for it, by the bounds
 * that one sweep gives.
 */
public final class OptimumSpectra {
  private final Divergence divergence;
  private final OptimizerKind optimizer;
  private final RowTable reference;
  private final ActionValues actionValues;
  private final RowOptimum[] optima;
  private final RowOptimumSolver solver;
  private final RowSpectrum.Bounds[] bounds;
  private final RowSpectrum.Bounds[] directionBounds;
  private final double[] spans;

  /** Where a row's action values are read. */
  @FunctionalInterface
  public interface ActionValues {
    /** Writes those of a state, {@code [actions]}; threads call it at once. */
    void read(int state, double[] destination);
  }

  /**
   * Bounds of all rows.
   *
   * @param optimizer whose directions are looked at
   * @param reference log q, nats, {@code [states, actions]}
   * @param actionValues that the optima are for, {@code [states, actions]}
   * @param optima of this divergence and lambda, {@code [states]}
   * @param threads how many look at rows
   */
  public OptimumSpectra(
      Divergence divergence,
      double lambda,
      OptimizerKind optimizer,
      RowTable reference,
      ActionValues actionValues,
      RowOptimum[] optima,
      int threads) {
    this.divergence = divergence;
    this.optimizer = optimizer;
    this.reference = reference;
    this.actionValues = actionValues;
    this.optima = optima;
    solver = new RowOptimumSolver(divergence, lambda);
    bounds = new RowSpectrum.Bounds[optima.length];
    directionBounds = new RowSpectrum.Bounds[optima.length];
    spans = new double[optima.length];
    try (RowThreads rowThreads = new RowThreads(threads)) {
      rowThreads.visit(
          Collections.nCopies(threads, this),
          0,
          optima.length,
          (spectra, state) -> spectra.fillBounds(state));
    }
  }

  private void fillBounds(int state) {
    Row row = row(state);
    bounds[state] = RowSpectrum.bounds(row.probabilities, row.curvature);
    directionBounds[state] =
        isPreconditioned()
            ? RowSpectrum.preconditionedBounds(
                row.probabilities, row.curvature, preconditioner(row))
            : bounds[state];
    spans[state] = row.actionValueSpan;
  }

  private boolean isPreconditioned() {
    return switch (optimizer) {
      case GRADIENT, NESTEROV, ADAM -> false;
      case NATURAL, NEWTON, PRECONDITIONED -> true;
    };
  }

  private double[] preconditioner(Row row) {
    return Preconditioner.of(divergence, optimizer, row.curvature);
  }

  /** A row's optimal policy with what its spectrum needs. */
  private record Row(double[] probabilities, double[] curvature, double actionValueSpan) {}

  private Row row(int state) {
    double[] logReference = new double[reference.columns()];
    reference.readRow(state, logReference);
    double[] values = new double[logReference.length];
    actionValues.read(state, values);
    double[] logOptimum = solver.logPolicy(optima[state], logReference, values);
    double[] probabilities = new double[values.length];
    double[] curvature = new double[values.length];
    double least = Double.POSITIVE_INFINITY;
    double largest = Double.NEGATIVE_INFINITY;
    for (int a = 0; a < values.length; a++) {
      probabilities[a] = Math.exp(logOptimum[a]);
      curvature[a] = divergence.curvature(logOptimum[a] - logReference[a]);
      least = Math.min(least, values[a]);
      largest = Math.max(largest, values[a]);
    }
    return new Row(probabilities, curvature, largest - least);
  }

  /** Largest less least action value of a row. */
  public double span(int state) {
    return spans[state];
  }

  /**
   * The smallest non-zero {@code factor_s mu} of all rows' local curvatures.
   *
   * @param factors above 0, {@code [states]}
   */
  public double smallest(double[] factors) {
    double found = Double.POSITIVE_INFINITY;
    for (int state : order(s -> factors[s] * bounds[s].lower())) {
      if (factors[state] * bounds[state].lower() >= found) {
        break;
      }
      Row row = row(state);
      found =
          Math.min(
              found, factors[state] * RowSpectrum.of(row.probabilities, row.curvature).smallest());
    }
    return found;
  }

  /** The largest {@code factor_s mu}; see {@link #smallest}. */
  public double largest(double[] factors) {
    double found = 0.0;
    for (int state : order(s -> -factors[s] * bounds[s].upper())) {
      if (factors[state] * bounds[state].upper() <= found) {
        break;
      }
      Row row = row(state);
      found =
          Math.max(
              found, factors[state] * RowSpectrum.of(row.probabilities, row.curvature).largest());
    }
    return found;
  }

  /**
   * The predicted factor of the gap per inner step, {@code max_s max_i (1 - step_s mu_i)^2}, mu of
   * the optimizer's direction; for optimizers without memory.
   *
   * @param steps what turns the eigenvalues into those of a step, {@code [states]}; rows with 0 are
   *     left out
   */
  public double predictedRatio(double[] steps) {
    double found = 0.0;
    for (int state : order(s -> -bound(s, steps[s]))) {
      if (steps[state] == 0.0) {
        continue;
      }
      if (bound(state, steps[state]) <= found) {
        break;
      }
      Row row = row(state);
      RowSpectrum.Extremes extremes =
          isPreconditioned()
              ? RowSpectrum.preconditioned(row.probabilities, row.curvature, preconditioner(row))
              : RowSpectrum.of(row.probabilities, row.curvature);
      found =
          Math.max(
              found,
              TailRate.predictedRatio(steps[state], extremes.smallest(), extremes.largest()));
    }
    return found;
  }

  private double bound(int state, double step) {
    return TailRate.predictedRatio(
        step, directionBounds[state].lower(), directionBounds[state].upper());
  }

  /** The states from the least key to the largest. */
  private List<Integer> order(ToDoubleFunction<Integer> key) {
    return IntStream.range(0, optima.length)
        .boxed()
        .sorted(Comparator.comparingDouble(key))
        .toList();
  }
}
