package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/** The classes that a text's last token puts it in, and the reference row of each. */
public final class ContextClasses {
  private final NGramModel model;
  private final Tokenizer tokenizer;
  private final ColumnGroups groups;
  private final int[] ownToken;

  private ContextClasses(NGramModel model, Tokenizer tokenizer, ColumnGroups groups, int[] own) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.groups = groups;
    ownToken = own;
  }

  /** The most frequent tokens have a class each, all others share the last class. */
  public static ContextClasses of(NGramModel model, Tokenizer tokenizer, int classes) {
    int end = model.endOfText().orElse(-1);
    int[] own =
        IntStream.range(0, model.vocabularySize())
            .filter(token -> token != end && model.unigramCounts()[token] > 0)
            .boxed()
            .sorted(Comparator.comparingInt((Integer token) -> -model.unigramCounts()[token]))
            .limit(classes - 1)
            .mapToInt(token -> token)
            .toArray();
    if (own.length < classes - 1) {
      throw new InputException(
          "problem.classes must be at most %d, got %d".formatted(own.length + 1, classes));
    }
    int[] groupOf = new int[model.vocabularySize()];
    Arrays.fill(groupOf, classes - 1);
    for (int c = 0; c < own.length; c++) {
      groupOf[own[c]] = c;
    }
    if (end >= 0) {
      groupOf[end] = ColumnGroups.NONE;
    }
    return new ContextClasses(model, tokenizer, new ColumnGroups(classes, groupOf), own);
  }

  /** The class that each token leads to; the end-of-text token has none. */
  public ColumnGroups groups() {
    return groups;
  }

  /** What the classes are, on one line. */
  public String description() {
    return "%d context classes of the last token: %d tokens have their own, the other tokens share"
            .formatted(groups.groups(), ownToken.length)
        + " %d".formatted(groups.groups() - ownToken.length);
  }

  /** A class for people. */
  public String name(int contextClass) {
    return contextClass < ownToken.length ? tokenizer.display(ownToken[contextClass]) : "(others)";
  }

  /** The rows, computed when they are read: log-probabilities, nats, {@code [classes, tokens]}. */
  public RowTable computedRows() {
    return RowTable.computed(
        groups.groups(),
        model.vocabularySize(),
        (row, destination) -> fill((int) row, destination));
  }

  /**
   * Writes the rows to a table.
   *
   * @param destination {@code [classes, tokens]}, nats; normalised again after rounding to 16 bits
   */
  public void fillRows(RowTable destination) {
    ComputedRows.copy(computedRows(), destination);
  }

  private void fill(int contextClass, float[] row) {
    model.logProbabilities(
        contextClass < ownToken.length ? new int[] {ownToken[contextClass]} : new int[0], row);
  }
}
