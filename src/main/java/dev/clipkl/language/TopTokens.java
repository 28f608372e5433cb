package dev.clipkl.language;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** The most probable tokens of one policy row. */
public final class TopTokens {
  /**
   * A token and its probability.
   *
   * @param id its column
   */
  public record Entry(int id, double probability) {}

  /** More probable first; of equals the lower id. */
  private static final Comparator<Entry> BEST_FIRST =
      Comparator.comparingDouble(Entry::probability).reversed().thenComparingInt(Entry::id);

  private TopTokens() {}

  /**
   * The {@code count} most probable tokens, most probable first.
   *
   * @param logits of one row, any normalisation
   * @param count at least 1; all tokens where there are fewer
   */
  public static List<Entry> of(double[] logits, int count) {
    double largest = Double.NEGATIVE_INFINITY;
    for (double logit : logits) {
      largest = Math.max(largest, logit);
    }
    double sum = 0.0;
    PriorityQueue<Entry> best = new PriorityQueue<>(BEST_FIRST.reversed());
    for (int id = 0; id < logits.length; id++) {
      double mass = Math.exp(logits[id] - largest);
      sum += mass;
      // Ids rise, so that of equals the one that is there already stays.
      if (best.size() == count && !(mass > best.element().probability())) {
        continue;
      }
      best.add(new Entry(id, mass));
      if (best.size() > count) {
        best.remove();
      }
    }
    List<Entry> entries = new ArrayList<>();
    for (Entry entry : best) {
      entries.add(new Entry(entry.id(), entry.probability() / sum));
    }
    entries.sort(BEST_FIRST);
    return entries;
  }

  /**
   * The ids of the {@code count} most probable tokens, rising; of equals the lower ids.
   *
   * @param logits of one row, any normalisation
   * @param count at least 1; all tokens where there are fewer
   */
  public static int[] ids(double[] logits, int count) {
    // The least of the best so far comes first, of equals the highest id.
    PriorityQueue<Entry> best = new PriorityQueue<>(BEST_FIRST.reversed());
    for (int id = 0; id < logits.length; id++) {
      if (best.size() == count) {
        if (!(logits[id] > best.element().probability())) {
          continue;
        }
        best.remove();
      }
      best.add(new Entry(id, logits[id]));
    }
    return best.stream().mapToInt(Entry::id).sorted().toArray();
  }
}
