package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import java.util.Optional;

/**
 * The tensor {@code rewards} of a safetensors file, F16, BF16, F32 or F64: {@code
 * [vocabularySize]}, one row for all prompts, or {@code [prompts, vocabularySize]}.
 */
public final class DenseRewards implements RewardFile {
  static final String TENSOR = "rewards";

  private static final int MOST_COLUMNS = Integer.MAX_VALUE - 16;

  private final SafetensorsFile file;
  private final Tensor tensor;
  private final long[] shape;

  private DenseRewards(SafetensorsFile file, Tensor tensor) {
    this.file = file;
    this.tensor = tensor;
    shape = tensor.shape();
  }

  /** The rewards of a file for a vocabulary; closes the file on failure. */
  static DenseRewards open(SafetensorsFile file, Tokenizer tokenizer) {
    try {
      DenseRewards rewards = of(file);
      TableShape.requireVocabulary(
          file.path() + ": " + TENSOR, rewards.vocabularySize(), tokenizer);
      if (StoredTokenizer.isKnown(file)) {
        StoredTokenizer.requireSame(file, tokenizer);
      }
      return rewards;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * The rewards of an open file, for tables that belong to no tokenizer. Closing this closes the
   * file.
   *
   * @throws InputException if there is no tensor {@code rewards}, or it isn't {@code [V]} or {@code
   *     [N, V]} of floating-point numbers
   */
  public static DenseRewards of(SafetensorsFile file) {
    Tensor tensor = file.tensor(TENSOR);
    long[] shape = tensor.shape();
    boolean sound = shape.length == 1 || shape.length == 2;
    for (long length : shape) {
      sound &= length >= 1;
    }
    if (!sound || shape[shape.length - 1] > MOST_COLUMNS || !tensor.type().isFloatingPoint()) {
      throw new InputException(
          "%s: expected [vocabulary] or [prompts, vocabulary] of F16, BF16, F32 or F64"
              .formatted(tensor.describe()));
    }
    return new DenseRewards(file, tensor);
  }

  @Override
  public String description() {
    return tensor.describe();
  }

  @Override
  public int vocabularySize() {
    return (int) shape[shape.length - 1];
  }

  @Override
  public boolean isOneRow() {
    return shape.length == 1;
  }

  @Override
  public void checkRows(long prompts) {
    if (!isOneRow() && shape[0] != prompts) {
      throw new InputException(
          "%s: %s has %d rows, expected one per prompt: %d"
              .formatted(file.path(), TENSOR, shape[0], prompts));
    }
  }

  @Override
  public void fill(RowTable destination) {
    checkRows(destination.rows());
    double[] row = new double[vocabularySize()];
    if (isOneRow()) {
      read(0, row);
      TableShape.writeEveryRow(destination, row);
      return;
    }
    TableShape.requireRows(destination, shape[0], row.length);
    for (long i = 0; i < destination.rows(); i++) {
      read(i, row);
      destination.writeRow(i, row);
    }
  }

  /**
   * One row per prompt, read from the file itself: the same numbers as {@link #fill} gives to a
   * table. They live as long as the file stays mapped.
   *
   * @param storage of the table that would be filled instead
   * @param residentRows how many rows, from the first, stay in memory once they have been used
   * @return {@code [prompts, vocabularySize]}; empty where the table would have to be rounded, or
   *     where one row serves all prompts
   * @throws InputException as {@link #fill}
   */
  public Optional<RowTable> mapped(RowTable.Precision storage, long residentRows) {
    if (isOneRow() || !tensor.isStoredAs(storage)) {
      return Optional.empty();
    }
    double[] row = new double[vocabularySize()];
    for (long i = 0; i < shape[0]; i++) {
      read(i, row);
    }
    return Optional.of(tensor.asTable(residentRows));
  }

  private void read(long index, double[] row) {
    tensor.readDoubles(index * row.length, row, row.length);
    for (int column = 0; column < row.length; column++) {
      if (!Float.isFinite((float) row[column])) {
        throw new InputException(
            "%s: %s[%s%d] is %s, expected a finite float32 number"
                .formatted(
                    file.path(), TENSOR, isOneRow() ? "" : index + ", ", column, row[column]));
      }
    }
  }

  @Override
  public void close() {
    file.close();
  }
}
