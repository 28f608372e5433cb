package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Rewards: a safetensors file with the tensor {@code rewards} {@code [vocabularySize]} (one row for
 * all prompts) or {@code [prompts, vocabularySize]}, or a {@link TokenLexicon} (.csv or .json).
 */
public final class RewardFile implements AutoCloseable {
  static final String TENSOR = "rewards";

  private final Path path;
  private final int columns;
  private final @Nullable SafetensorsFile file;
  private final @Nullable Tensor tensor;
  private final @Nullable TokenLexicon lexicon;

  private RewardFile(
      Path path,
      int columns,
      @Nullable SafetensorsFile file,
      @Nullable Tensor tensor,
      @Nullable TokenLexicon lexicon) {
    this.path = path;
    this.columns = columns;
    this.file = file;
    this.tensor = tensor;
    this.lexicon = lexicon;
  }

  /**
   * Opens rewards for a vocabulary.
   *
   * @throws InputException if the file is unsound, has no tensor {@code rewards}, or was made for
   *     another vocabulary
   */
  public static RewardFile open(Path path, Tokenizer tokenizer) {
    String name = path.toString().toLowerCase(Locale.ROOT);
    if (name.endsWith(".csv") || name.endsWith(".json")) {
      TokenLexicon lexicon = TokenLexicon.read(path, tokenizer);
      return new RewardFile(path, tokenizer.vocabularySize(), null, null, lexicon);
    }
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      if (file.metadata().containsKey("tokenizer_fingerprint")) {
        StoredTokenizer.requireSame(file, tokenizer);
      }
      RewardFile rewards = of(file);
      TableShape.requireVocabulary(path + ": " + TENSOR, rewards.columns, tokenizer);
      return rewards;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * The tensor {@code rewards} of an open file, for tables that belong to no tokenizer. The file
   * stays the caller's until this is closed, which closes it too.
   *
   * @throws InputException if there is no such tensor, or it isn't {@code [V]} or {@code [N, V]} of
   *     floating-point numbers
   */
  public static RewardFile of(SafetensorsFile file) {
    Tensor tensor = file.tensor(TENSOR);
    long[] shape = tensor.shape();
    boolean sound = shape.length == 1 || shape.length == 2;
    for (long length : shape) {
      sound &= length >= 1;
    }
    if (!sound || !tensor.type().isFloatingPoint() || shape[shape.length - 1] > 1 << 30) {
      throw new InputException(
          "%s: expected rewards [vocabulary] or [prompts, vocabulary] of F16, BF16, F32 or F64"
              .formatted(tensor.describe()));
    }
    return new RewardFile(file.path(), (int) shape[shape.length - 1], file, tensor, null);
  }

  /** The columns of a row. */
  public int vocabularySize() {
    return columns;
  }

  /** Whether one row serves all prompts, so that a broadcast table can hold it. */
  public boolean isOneRow() {
    return tensor == null || tensor.shape().length == 1;
  }

  /** The lexicon's entries that are no single token and were left out; empty for a tensor. */
  public List<String> unmapped() {
    return lexicon == null ? List.of() : lexicon.unmapped();
  }

  /** What the rewards are, on one line. */
  public String description() {
    if (lexicon != null) {
      return "%s: lexicon, %d tokens scored, %d entries left out"
          .formatted(path, lexicon.mappedTokens(), lexicon.unmapped().size());
    }
    return tensor == null ? path.toString() : tensor.describe();
  }

  /**
   * Checks the number of rows against the prompts; cheap, and done before a table is allocated.
   *
   * @throws InputException if the file holds another number of rows
   */
  public void checkRows(long prompts) {
    if (tensor != null && !isOneRow() && tensor.shape()[0] != prompts) {
      throw new InputException(
          "%s: rewards has %d rows, expected one per prompt: %d"
              .formatted(path, tensor.shape()[0], prompts));
    }
  }

  /**
   * Writes the rewards into every row.
   *
   * @param destination {@code [prompts, vocabularySize]}; broadcast only if {@link #isOneRow}
   * @throws InputException if the rows' number differs or a reward is NaN or infinite in float32,
   *     with row and column
   * @throws IllegalArgumentException if the table has other columns or can't hold different rows
   */
  public void fill(RowTable destination) {
    checkRows(destination.rows());
    if (!isOneRow() || destination.columns() != columns) {
      TableShape.requireRows(destination, destination.rows(), columns);
    }
    float[] row = new float[columns];
    if (isOneRow()) {
      read(0, row);
      for (long i = 0; i < (destination.isBroadcast() ? 1 : destination.rows()); i++) {
        destination.writeRow(i, row);
      }
      return;
    }
    for (long i = 0; i < destination.rows(); i++) {
      read(i, row);
      destination.writeRow(i, row);
    }
  }

  private void read(long index, float[] row) {
    if (tensor == null) {
      float[] scores = lexicon == null ? new float[columns] : lexicon.rewards();
      System.arraycopy(scores, 0, row, 0, columns);
      return;
    }
    tensor.readFloats(index * columns, row, columns);
    for (int column = 0; column < columns; column++) {
      if (!Float.isFinite(row[column])) {
        String where =
            isOneRow() ? "[%d]".formatted(column) : "[%d, %d]".formatted(index, column);
        throw new InputException(
            "%s: %s%s is %s, expected a finite float32 number"
                .formatted(path, TENSOR, where, row[column]));
      }
    }
  }

  @Override
  public void close() {
    if (file != null) {
      file.close();
    }
  }
}
