package dev.clipkl.inspect;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * How one row's distribution moved, from before to after.
 *
 * @param gained the tokens that gained most probability, the largest gain first
 * @param lost the tokens that lost most, the largest loss first
 * @param totalVariation {@code sum_a |after_a - before_a| / 2}: the mass that moved
 */
public record TokenChanges(List<Change> gained, List<Change> lost, double totalVariation) {
  public TokenChanges {
    gained = List.copyOf(gained);
    lost = List.copyOf(lost);
  }

  /** A token's probability before and after. */
  public record Change(int token, double before, double after) {
    /** What it gained. */
    public double difference() {
      return after - before;
    }
  }

  /** The largest gain first; of equals the lower token. */
  private static final Comparator<Change> BY_GAIN =
      Comparator.comparingDouble(Change::difference).reversed().thenComparingInt(Change::token);

  private static final Comparator<Change> BY_LOSS =
      Comparator.comparingDouble(Change::difference).thenComparingInt(Change::token);

  /**
   * Compares two distributions over the same tokens.
   *
   * @param logBefore log-probabilities, nats, {@code [actions]}
   * @param logAfter the same afterwards
   * @param count the most tokens in either list, at least 1; a token that did not move is in none
   * @throws IllegalArgumentException when the rows differ in length
   */
  public static TokenChanges between(double[] logBefore, double[] logAfter, int count) {
    if (logBefore.length != logAfter.length) {
      throw new IllegalArgumentException(
          "rows of %d and %d tokens".formatted(logBefore.length, logAfter.length));
    }
    PriorityQueue<Change> gained = new PriorityQueue<>(BY_GAIN.reversed());
    PriorityQueue<Change> lost = new PriorityQueue<>(BY_LOSS.reversed());
    double moved = 0.0;
    for (int token = 0; token < logAfter.length; token++) {
      double before = Math.exp(logBefore[token]);
      double after = Math.exp(logAfter[token]);
      double difference = after - before;
      moved += Math.abs(difference);
      if (difference > 0.0) {
        keep(gained, count, token, before, after);
      } else if (difference < 0.0) {
        keep(lost, count, token, before, after);
      }
    }
    return new TokenChanges(sorted(gained, BY_GAIN), sorted(lost, BY_LOSS), 0.5 * moved);
  }

  /** Tokens come in ascending order, so that of equals the one that is there already stays. */
  private static void keep(
      PriorityQueue<Change> best, int count, int token, double before, double after) {
    if (best.size() == count) {
      if (!(Math.abs(after - before) > Math.abs(best.element().difference()))) {
        return;
      }
      best.remove();
    }
    best.add(new Change(token, before, after));
  }

  private static List<Change> sorted(PriorityQueue<Change> best, Comparator<Change> order) {
    List<Change> changes = new ArrayList<>(best);
    changes.sort(order);
    return changes;
  }
}
