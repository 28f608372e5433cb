package dev.clipkl.sampling;

import dev.clipkl.engine.RowFixture;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.Random;
import java.util.function.Function;

/** Random token MDPs, whose last token ends the text, and random policies of them. */
final class TextFixture {
  private TextFixture() {}

  /** A problem with rewards of its own for every class, discount 0.8. */
  static TokenMdp mdp(int classes, int tokens, OptionalInt horizon) {
    Random random = new Random(41);
    double[][] reference = new double[classes][];
    double[][] rewards = new double[classes][];
    for (int c = 0; c < classes; c++) {
      double[] weights = random.doubles(tokens, 0.1, 1.0).toArray();
      double total = Arrays.stream(weights).sum();
      reference[c] = Arrays.stream(weights).map(w -> Math.log(w / total)).toArray();
      rewards[c] = random.doubles(tokens).toArray();
    }
    int[] next = random.ints(tokens, 0, classes).toArray();
    next[tokens - 1] = ColumnGroups.NONE;
    double[] start = new double[horizon.orElse(1) * classes];
    Arrays.fill(start, 0, classes, 1.0 / classes);
    return new TokenMdp(
        RowFixture.table(RowTable.Precision.FLOAT64, reference),
        RowFixture.table(RowTable.Precision.FLOAT64, rewards),
        new ColumnGroups(classes, next),
        start,
        0.8,
        horizon);
  }

  /** Random logits, {@code [states, tokens]}. */
  static RowTable policy(TokenMdp mdp, long seed) {
    Random random = new Random(seed);
    double[][] logits = new double[mdp.states()][];
    Arrays.setAll(logits, _ -> random.doubles(mdp.actions(), -1.5, 1.5).toArray());
    return RowFixture.table(RowTable.Precision.FLOAT64, logits);
  }

  /** With two threads that end afterwards. */
  static <T> T withThreads(Function<RowThreads, T> work) {
    try (RowThreads threads = new RowThreads(2)) {
      return work.apply(threads);
    }
  }
}
