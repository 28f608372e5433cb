package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.LoadedProblem;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/** A small problem with everything that measures its policies. */
final class ComparedProblem implements AutoCloseable {
  static final List<String> DIVERGENCES =
      List.of("reverse-kl", "forward-kl", "js", "hellinger2", "chi2", "alpha(0.5)", "alpha(-1)");

  final LoadedProblem loaded;
  final ProblemSolver solver;
  final PolicyMeter meter;

  private ComparedProblem(LoadedProblem loaded, int top) {
    this.loaded = loaded;
    solver = new ProblemSolver(loaded, () -> false);
    meter = new PolicyMeter(solver, top);
  }

  /**
   * Opens an imported problem.
   *
   * @param keys further keys of section {@code problem}, with a comma in front
   */
  static ComparedProblem open(Path file, String keys, int top) {
    RunConfig config =
        RunConfig.parse(
            "problem: {import: %s%s}\nrun: {engine: reference, threads: 2}".formatted(file, keys),
            "test",
            "test",
            List.of());
    return new ComparedProblem(LoadedProblem.open(config, line -> {}), top);
  }

  /** The reference with normally distributed noise on its logits. */
  RowTable randomPolicy(Arena arena, double deviation, long seed) {
    Random random = new Random(seed);
    RowTable reference = solver.problem().reference();
    RowTable policy =
        RowTable.allocate(arena, RowTable.Precision.FLOAT64, reference.rows(), reference.columns());
    double[] row = new double[reference.columns()];
    for (long s = 0; s < reference.rows(); s++) {
      reference.readRow(s, row);
      for (int a = 0; a < row.length; a++) {
        row[a] += deviation * random.nextGaussian();
      }
      policy.writeRow(s, row);
    }
    return policy;
  }

  @Override
  public void close() {
    loaded.close();
  }
}
