package dev.clipkl.exact;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.stream.IntStream;

/** Exact optima of all rows of a table. */
public final class RowOptima {
  private RowOptima() {}

  private record Scratch(double[] logReference, double[] actionValues) {}

  /**
   * Solves every row (THEORY 2). Results do not depend on the number of threads.
   *
   * @param reference log q, {@code [states, actions]}
   * @param actionValues Q, {@code [states, actions]}
   */
  public static RowOptimum[] solve(
      Divergence divergence,
      double lambda,
      RowTable reference,
      RowTable actionValues,
      int threads) {
    int states = Math.toIntExact(reference.rows());
    int actions = reference.columns();
    RowOptimum[] optima = new RowOptimum[states];
    RowOptimumSolver solver = new RowOptimumSolver(divergence, lambda);
    try (RowThreads rowThreads = new RowThreads(threads)) {
      rowThreads.visit(
          IntStream.range(0, threads)
              .mapToObj(i -> new Scratch(new double[actions], new double[actions]))
              .toList(),
          0,
          states,
          (scratch, row) -> {
            reference.readRow(row, scratch.logReference);
            actionValues.readRow(row, scratch.actionValues);
            optima[row] = solver.solve(scratch.logReference, scratch.actionValues);
          });
    }
    return optima;
  }
}
