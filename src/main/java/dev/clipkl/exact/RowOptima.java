package dev.clipkl.exact;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.stream.Stream;

/** Exact optima of all rows of a table. */
public final class RowOptima {
  private RowOptima() {}

  private record Scratch(OptimumSweeps sweeps, double[] logReference, double[] actionValues) {}

  /**
   * Solves every row (THEORY 2) with the engine's sweeps and as many threads as it has. Results do
   * not depend on the number of threads.
   *
   * @param lambda above 0
   * @param reference log q, nats, {@code [states, actions]}
   * @param actionValues Q, {@code [states, actions]}
   * @throws ArithmeticException when an entry is not finite, or an optimum is beyond float64
   */
  public static RowOptimum[] solve(
      Engine engine,
      Divergence divergence,
      double lambda,
      RowTable reference,
      RowTable actionValues) {
    int states = Math.toIntExact(reference.rows());
    int actions = reference.columns();
    RowOptimum[] optima = new RowOptimum[states];
    RowOptimumSolver solver = new RowOptimumSolver(divergence, lambda);
    try (RowThreads threads = new RowThreads(engine.threads())) {
      threads.visit(
          Stream.generate(() ->
                  new Scratch(
                      engine.optimumSweeps(divergence, lambda, actions),
                      new double[actions],
                      new double[actions]))
              .limit(engine.threads())
              .toList(),
          0,
          states,
          (scratch, row) -> {
            reference.readRow(row, scratch.logReference);
            actionValues.readRow(row, scratch.actionValues);
            optima[row] = solver.solve(scratch.sweeps, scratch.logReference, scratch.actionValues);
          });
    }
    return optima;
  }

  /**
   * Number of rows whose optimum gives some action probability 0. Their logits have no finite
   * optimum, so that gradient steps approach it only sublinearly (THEORY 1.9).
   */
  public static int rowsWithZeros(RowOptimum[] optima) {
    return (int) Arrays.stream(optima).filter(optimum -> optimum.zeros() > 0).count();
  }
}
