package dev.clipkl.training;

import dev.clipkl.engine.RowProgram;
import dev.clipkl.objective.RowSmoothness;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.Problem;
import dev.clipkl.problem.PromptBandit;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;

/**
 * The one smoothness constant behind the constant step of visitation weights: with {@code eta = 1 /
 * L}, {@code L = max_s L_s / (1 - gamma)}, each row moves by {@code eta d(s) <= 1 / L_s}, since
 * {@code d(s) <= 1 / (1 - gamma)} (THEORY 3.3, 3.4).
 */
final class CommonSmoothness {
  private CommonSmoothness() {}

  /** L for one problem; of an MDP's rows once they are up to date with the policy at the start. */
  static double of(Problem problem, RowCoupling coupling, RowProgram program) {
    double largestSpan =
        switch (problem) {
          case PromptBandit bandit -> largestSpan(bandit);
          case FiniteMdp _, TokenMdp _ -> largestSpan(coupling);
        };
    return RowSmoothness.constant(program.divergence(), program.lambda(), largestSpan)
        / (1.0 - problem.discount());
  }

  private static double largestSpan(PromptBandit bandit) {
    double[] row = new double[bandit.actions()];
    double largest = 0.0;
    int rows = bandit.rewards().isBroadcast() ? 1 : bandit.states();
    for (int s = 0; s < rows; s++) {
      bandit.rewards().readRow(s, row);
      largest = Math.max(largest, span(row, row));
    }
    return largest;
  }

  /**
   * {@code max_a Q*(s, a) - min_a Q_0(s, a)}: as long as values rise, every Q on the way lies
   * between these two.
   */
  private static double largestSpan(RowCoupling rows) {
    RowTable first = rows.block().actionValues();
    double[] best = new double[first.columns()];
    double[] now = new double[first.columns()];
    double largest = 0.0;
    for (int s = 0; s < first.rows(); s++) {
      rows.readOptimalActionValues(s, best);
      first.readRow(s, now);
      largest = Math.max(largest, span(best, now));
    }
    return largest;
  }

  private static double span(double[] above, double[] below) {
    double largest = Double.NEGATIVE_INFINITY;
    double least = Double.POSITIVE_INFINITY;
    for (int a = 0; a < above.length; a++) {
      largest = Math.max(largest, above[a]);
      least = Math.min(least, below[a]);
    }
    return largest - least;
  }
}
