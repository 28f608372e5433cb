package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Stored reference rows: the tensor {@code reference_log_probs} or {@code reference_logits}, {@code
 * [rows, vocabularySize]}, F16, BF16, F32 or F64.
 */
public final class DenseReference implements ReferenceFile {
  static final String LOG_PROBS = "reference_log_probs";
  static final String LOGITS = "reference_logits";

  /**
   * The largest {@code |log sum_j p_j|} of a row that is called log-probabilities. BF16 keeps 8
   * bits, so an honest row's sum can be off by percents; beyond that something else is stored.
   */
  private static final double LARGEST_LOG_SUM = 0.05;

  /** What was found while rows were read. */
  record Findings(double smallestLogProbability, double largestLogSum) {}

  private final SafetensorsFile file;
  private final Tensor tensor;
  private final long rows;
  private final int vocabularySize;

  private DenseReference(SafetensorsFile file, Tensor tensor) {
    this.file = file;
    this.tensor = tensor;
    rows = tensor.shape()[0];
    vocabularySize = Math.toIntExact(tensor.shape()[1]);
  }

  /**
   * The reference rows of an open file, for tables that belong to no tokenizer. Closing this closes
   * the file.
   *
   * @throws InputException if there is not exactly one of {@code reference_log_probs} and {@code
   *     reference_logits}, or it isn't {@code [rows, vocabulary]} of floating-point numbers
   */
  public static DenseReference of(SafetensorsFile file) {
    boolean logProbs = file.find(LOG_PROBS).isPresent();
    boolean logits = file.find(LOGITS).isPresent();
    if (logProbs && logits) {
      throw new InputException(
          "%s: holds both %s and %s; keep one".formatted(file.path(), LOG_PROBS, LOGITS));
    }
    if (!logProbs && !logits) {
      throw new InputException(
          "%s: no reference: expected an n-gram model or a tensor %s or %s [rows, vocabulary], got %s"
              .formatted(
                  file.path(),
                  LOG_PROBS,
                  LOGITS,
                  file.names().isEmpty() ? "no tensor" : String.join(", ", file.names())));
    }
    Tensor tensor = file.tensor(logProbs ? LOG_PROBS : LOGITS);
    tensor.requireShape(-1, -1);
    if (!tensor.type().isFloatingPoint()) {
      throw new InputException(
          "%s: tensor %s: expected F16, BF16, F32 or F64, got %s"
              .formatted(file.path(), tensor.name(), tensor.type()));
    }
    long[] shape = tensor.shape();
    if (shape[0] < 1 || shape[1] < 1 || shape[1] > Integer.MAX_VALUE - 16) {
      throw new InputException(
          "%s: tensor %s: expected at least one row and 1 to %d columns, got [%d, %d]"
              .formatted(file.path(), tensor.name(), Integer.MAX_VALUE - 16, shape[0], shape[1]));
    }
    return new DenseReference(file, tensor);
  }

  /** The stored rows. */
  public long rows() {
    return rows;
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
  }

  @Override
  public String description() {
    return tensor.describe();
  }

  @Override
  public void check(List<Prompt> prompts, Tokenizer tokenizer) {
    checkTokenizer(tokenizer);
    if (rows != prompts.size()) {
      throw new InputException(
          "%s: %s has %d rows, expected one per prompt: %d"
              .formatted(file.path(), tensor.name(), rows, prompts.size()));
    }
  }

  private void checkTokenizer(Tokenizer tokenizer) {
    TableShape.requireVocabulary(file.path() + ": " + tensor.name(), vocabularySize, tokenizer);
    if (StoredTokenizer.isKnown(file)) {
      StoredTokenizer.requireSame(file, tokenizer);
    }
  }

  @Override
  public void fillRows(List<Prompt> prompts, Tokenizer tokenizer, RowTable destination) {
    check(prompts, tokenizer);
    fill(destination, tokenizer);
  }

  /**
   * Writes the normalised log-probabilities {@code x_i - log sum_j exp(x_j)} of all stored rows;
   * for tables that belong to no tokenizer.
   *
   * @param destination {@code [rows, vocabularySize]}, nats
   * @throws InputException for NaN, infinity or a zero probability, with row and column, and for
   *     log-probabilities whose sum is off by more than 5 percent
   */
  public void fill(RowTable destination) {
    fill(destination, null);
  }

  private void fill(RowTable destination, @Nullable Tokenizer tokenizer) {
    TableShape.requireRows(destination, rows, vocabularySize);
    if (destination.isHalf() && tensor.isStoredAs(destination.precision())) {
      // The file's own numbers with their normaliser: nothing is rounded twice.
      double[] entries = new double[vocabularySize];
      for (long row = 0; row < rows; row++) {
        double logZ = readChecked(row, entries, tokenizer);
        destination.writeRow(row, entries);
        destination.setLogNormalizer(row, logZ);
      }
    } else {
      read(tokenizer, (row, entries) -> LogSoftmax.write(destination, row, entries));
    }
  }

  /**
   * All rows as normalised log-probabilities that are read from the file itself, the same numbers
   * as {@link #fill} gives to a table. They live as long as the file stays mapped.
   *
   * @param storage of the table that would be filled instead
   * @param residentRows how many rows, from the first, stay in memory once they have been used
   * @return float32 log-probabilities, nats, {@code [rows, vocabularySize]}; empty where the table
   *     would have to be rounded
   * @throws InputException as {@link #fill}
   */
  public Optional<RowTable> mapped(RowTable.Precision storage, long residentRows) {
    if (!tensor.isStoredAs(storage)) {
      return Optional.empty();
    }
    RowTable table = tensor.asTable(residentRows);
    double[] entries = new double[vocabularySize];
    for (long row = 0; row < rows; row++) {
      table.setLogNormalizer(row, readChecked(row, entries, null));
    }
    return Optional.of(table);
  }

  /** Takes one normalised row; the array is used again for the next one. */
  interface RowReader {
    void row(long index, double[] logProbabilities);
  }

  /**
   * Reads one row as normalised log-probabilities {@code x_i - log sum_j exp(x_j)}, in float64.
   *
   * @param destination {@code [vocabularySize]}, nats
   * @throws InputException as {@link #fill}
   */
  public void readLogProbs(long row, double[] destination) {
    LogSoftmax.normalise(destination, readChecked(row, destination, null));
  }

  Findings read(@Nullable Tokenizer tokenizer, RowReader reader) {
    double[] entries = new double[vocabularySize];
    double smallest = 0;
    double largestLogSum = 0;
    for (long row = 0; row < rows; row++) {
      double logZ = readChecked(row, entries, tokenizer);
      if (tensor.name().equals(LOG_PROBS)) {
        largestLogSum = Math.max(largestLogSum, Math.abs(logZ));
      }
      smallest = Math.min(smallest, LogSoftmax.normalise(entries, logZ));
      reader.row(row, entries);
    }
    return new Findings(smallest, largestLogSum);
  }

  /** Reads a row as it is stored and returns {@code log sum_j exp(x_j)}. */
  private double readChecked(long row, double[] entries, @Nullable Tokenizer tokenizer) {
    tensor.readDoubles(row * vocabularySize, entries, vocabularySize);
    double logZ = LogSoftmax.logSumExp(entries);
    LogSoftmax.check(entries, logZ, file.path() + ": " + tensor.name(), row, tokenizer);
    if (tensor.name().equals(LOG_PROBS) && !(Math.abs(logZ) <= LARGEST_LOG_SUM)) {
      throw new InputException(
          "%s: the probabilities of %s row %d sum to %.4g, expected 1 within 5 percent; store"
                  .formatted(file.path(), LOG_PROBS, row, Math.exp(logZ))
              + " rows that aren't normalised as "
              + LOGITS);
    }
    return logZ;
  }

  @Override
  public void close() {
    file.close();
  }
}
