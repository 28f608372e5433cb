package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import java.nio.file.Path;

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

  static DenseRewards open(Path path, Tokenizer tokenizer) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      DenseRewards rewards = of(file);
      TableShape.requireVocabulary(path + ": " + TENSOR, rewards.vocabularySize(), tokenizer);
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
