package dev.clipkl.certify;

import dev.clipkl.exact.PolicyConstants;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.LogPolicy;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The softmax's own constants at a policy (THEORY 3). Two of them take a hundred sweeps a row, so
 * they are measured at the rows that one sweep says can have the largest.
 */
final class SoftmaxConstants {
  private static final double ROUNDING = 1e-12;

  private static final int MOST_ROWS = 16;

  private final CheckLedger ledger;

  SoftmaxConstants(CheckLedger ledger) {
    this.ledger = ledger;
    ledger.declare(Claim.SCORE_NORM, Standing.PROVEN, null);
    String rows =
        "at the last policy, in the %d rows with the largest bounds 2 p (1 - p)"
            .formatted(MOST_ROWS);
    ledger.declare(Claim.SCORE_GRADIENT, Standing.PROVEN, rows);
    ledger.declare(Claim.PROBABILITY_LIPSCHITZ, Standing.PROVEN, rows);
  }

  /**
   * What one sweep says of a row.
   *
   * @param scoreNorm {@code max_a |e_a - p|}, exact
   * @param scoreGradient at least {@code |H(p)|}: a row of {@code |H|} sums to {@code 2 p_a (1 -
   *     p_a)}; it bounds {@code |grad^2 p_a| <= p_a max(|e_a - p|^2, |H|)} as well
   */
  private record Quick(int row, double scoreNorm, double scoreGradient) {
    static Quick of(int row, double[] probabilities) {
      double squared = 0.0;
      double least = Double.POSITIVE_INFINITY;
      double largestSum = 0.0;
      for (double p : probabilities) {
        squared += p * p;
        least = Math.min(least, p);
        largestSum = Math.max(largestSum, 2.0 * p * (1.0 - p));
      }
      return new Quick(row, Math.sqrt(1.0 - 2.0 * least + squared), largestSum);
    }
  }

  /**
   * Looks at all rows of a policy with at least two actions.
   *
   * @param logits {@code [states, actions]}
   */
  void observe(RowTable logits) {
    if (logits.columns() < 2) {
      return;
    }
    List<Quick> rows =
        IntStream.range(0, Math.toIntExact(logits.rows()))
            .mapToObj(row -> Quick.of(row, probabilities(logits, row)))
            .toList();
    for (Quick quick : rows) {
      ledger.observe(
          Claim.SCORE_NORM,
          quick.scoreNorm,
          PolicyConstants.SCORE_NORM_BOUND,
          ROUNDING,
          () -> "row " + quick.row);
    }
    rows.stream()
        .sorted(Comparator.comparingDouble((Quick q) -> q.scoreGradient).reversed())
        .limit(MOST_ROWS)
        .forEach(quick -> observe(quick.row, PolicyConstants.of(probabilities(logits, quick.row))));
  }

  private void observe(int row, PolicyConstants here) {
    ledger.observe(
        Claim.SCORE_GRADIENT,
        here.scoreGradientNorm(),
        PolicyConstants.SCORE_GRADIENT_BOUND,
        ROUNDING,
        () -> "row " + row);
    ledger.observe(
        Claim.PROBABILITY_LIPSCHITZ,
        here.probabilityCurvature(),
        PolicyConstants.PROBABILITY_CURVATURE_BOUND,
        ROUNDING,
        () -> "row " + row);
  }

  private static double[] probabilities(RowTable logits, int row) {
    double[] policy = new double[logits.columns()];
    logits.readRow(row, policy);
    LogPolicy.normalize(policy);
    return Arrays.stream(policy).map(Math::exp).toArray();
  }
}
