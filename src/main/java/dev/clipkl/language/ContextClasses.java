package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The classes that a text's last token puts it in, and the reference row of each.
 *
 * <p>The tokens that the corpus has most often have a class each, whose row is the bigram row
 * {@code p(w | t)}. All others share a class with those of their {@link TokenShape}, whose row is
 * the mixture of its members' bigram rows by their frequency in the corpus, so that it is the
 * corpus' law of what follows one of them. A shape without members has no class.
 *
 * <p>Classes with a token of their own come first, the most frequent one at 0; then shapes. Every
 * token belongs to one class, but for the end-of-text token, which has none.
 */
public final class ContextClasses {
  private final NGramModel model;
  private final Tokenizer tokenizer;
  private final ColumnGroups groups;
  private final int[] ownToken;
  private final List<TokenShape> shapes;
  private final long[] timesFollowed;

  private ContextClasses(
      NGramModel model,
      Tokenizer tokenizer,
      ColumnGroups groups,
      int[] ownToken,
      List<TokenShape> shapes,
      long[] timesFollowed) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.groups = groups;
    this.ownToken = ownToken;
    this.shapes = shapes;
    this.timesFollowed = timesFollowed;
  }

  /**
   * Makes exactly this many classes. Of equally frequent tokens the lower id comes first.
   *
   * @param model over the tokenizer's vocabulary
   * @throws InputException if the corpus has too few different tokens, or there are fewer classes
   *     than shapes
   */
  public static ContextClasses of(NGramModel model, Tokenizer tokenizer, int classes) {
    int vocabularySize = model.vocabularySize();
    int end = model.endOfText().orElse(ColumnGroups.NONE);
    TokenShape[] shapeOf = new TokenShape[vocabularySize];
    int[] members = new int[TokenShape.values().length];
    for (int token = 0; token < vocabularySize; token++) {
      shapeOf[token] = TokenShape.of(tokenizer, token);
      members[shapeOf[token].ordinal()] += token == end ? 0 : 1;
    }
    long[] timesFollowed = model.timesFollowed();
    int[] own = ownTokens(mostFrequent(timesFollowed, end), shapeOf, members, classes);
    List<TokenShape> shapes =
        Arrays.stream(TokenShape.values()).filter(shape -> members[shape.ordinal()] > 0).toList();
    int[] classOf = new int[vocabularySize];
    for (int token = 0; token < vocabularySize; token++) {
      classOf[token] = own.length + shapes.indexOf(shapeOf[token]);
    }
    for (int c = 0; c < own.length; c++) {
      classOf[own[c]] = c;
    }
    if (end != ColumnGroups.NONE) {
      classOf[end] = ColumnGroups.NONE;
    }
    return new ContextClasses(
        model, tokenizer, new ColumnGroups(classes, classOf), own, shapes, timesFollowed);
  }

  private static int[] mostFrequent(long[] timesFollowed, int end) {
    return IntStream.range(0, timesFollowed.length)
        .filter(token -> token != end && timesFollowed[token] > 0)
        .boxed()
        .sorted(Comparator.comparingLong(token -> -timesFollowed[token]))
        .mapToInt(token -> token)
        .toArray();
  }

  /**
   * As many of the candidates as there are classes besides those of shapes that still have members.
   *
   * @param members tokens of each shape; those with a class of their own are taken out
   */
  private static int[] ownTokens(
      int[] candidates, TokenShape[] shapeOf, int[] members, int classes) {
    int shared = (int) Arrays.stream(members).filter(count -> count > 0).count();
    if (classes < shared) {
      throw new InputException(
          "problem.classes must be at least %d for this vocabulary, one for each shape of its tokens,"
                  .formatted(shared)
              + " got %d".formatted(classes));
    }
    int own = 0;
    while (own + shared < classes) {
      if (own == candidates.length) {
        throw new InputException(
            "problem.classes must be at most %d for this reference, whose corpus has %d different"
                    .formatted(own + shared, own)
                + " tokens, got %d".formatted(classes));
      }
      int shape = shapeOf[candidates[own++]].ordinal();
      members[shape]--;
      shared -= members[shape] == 0 ? 1 : 0;
    }
    return Arrays.copyOf(candidates, own);
  }

  /** The class that each token leads to; the end-of-text token has none. */
  public ColumnGroups groups() {
    return groups;
  }

  /** The class of a text by its last token; {@link ColumnGroups#NONE} for an empty one. */
  public int classAfter(String text) {
    int[] tokens = tokenizer.encode(text);
    return tokens.length == 0 ? ColumnGroups.NONE : groups.group(tokens[tokens.length - 1]);
  }

  /** What the classes are, on one line. */
  public String description() {
    String own =
        "%d context classes: a text's last token, where it is one of the %d most frequent"
            .formatted(groups.groups(), ownToken.length);
    return shapes.isEmpty()
        ? own
        : own
            + "; else its shape ("
            + shapes.stream().map(TokenShape::words).collect(Collectors.joining(", "))
            + ")";
  }

  /**
   * A class for people: its token as {@link Tokenizer#display} shows it, or its shape in
   * parentheses.
   */
  public String name(int contextClass) {
    return contextClass < ownToken.length
        ? tokenizer.display(ownToken[contextClass])
        : "(" + shapes.get(contextClass - ownToken.length).words() + ")";
  }

  /** All names, by class. */
  public List<String> names() {
    return IntStream.range(0, groups.groups()).mapToObj(this::name).toList();
  }

  /** The rows, computed when they are read: log-probabilities, nats, {@code [classes, tokens]}. */
  public RowTable computedRows() {
    int[][] members = members();
    return RowTable.computed(
        groups.groups(),
        model.vocabularySize(),
        (row, destination) -> fill((int) row, members, destination));
  }

  /**
   * Writes the rows to a table.
   *
   * @param destination {@code [classes, tokens]}, nats; normalised again after rounding to 16 bits
   */
  public void fillRows(RowTable destination) {
    ComputedRows.copy(computedRows(), destination);
  }

  /** The tokens of each shared class, increasing; {@code [shapes]}. */
  private int[][] members() {
    List<IntStream.Builder> found = new ArrayList<>();
    shapes.forEach(_ -> found.add(IntStream.builder()));
    for (int token = 0; token < groups.columns(); token++) {
      int shared = groups.group(token) - ownToken.length;
      if (shared >= 0) {
        found.get(shared).add(token);
      }
    }
    return found.stream().map(builder -> builder.build().toArray()).toArray(int[][]::new);
  }

  private void fill(int contextClass, int[][] members, float[] row) {
    int shared = contextClass - ownToken.length;
    if (shared < 0) {
      model.logProbabilitiesAfter(ownToken[contextClass], row);
    } else {
      model.logProbabilitiesAfterAny(members[shared], timesFollowed, row);
    }
  }
}
