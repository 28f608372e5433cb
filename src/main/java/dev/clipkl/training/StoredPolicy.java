package dev.clipkl.training;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.Map;

/** A {@link PolicyFile} opened for reading, one row at a time. */
public final class StoredPolicy implements AutoCloseable {
  private final SafetensorsFile file;
  private final Tensor logits;
  private final long states;
  private final int actions;

  private StoredPolicy(SafetensorsFile file, Tensor logits) {
    this.file = file;
    this.logits = logits;
    this.states = logits.shape()[0];
    this.actions = Math.toIntExact(logits.shape()[1]);
  }

  /**
   * Maps a policy file.
   *
   * @throws InputException if the file is missing, no sound safetensors file, of another format, or
   *     its {@code logits} are no floating-point matrix
   */
  public static StoredPolicy open(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      String format = file.metadata().get(PolicyFile.FORMAT_KEY);
      if (!PolicyFile.FORMAT.equals(format)) {
        throw new InputException(
            "%s: not a policy: its metadata %s must be %s, got %s"
                .formatted(
                    path,
                    PolicyFile.FORMAT_KEY,
                    PolicyFile.FORMAT,
                    format == null ? "none" : "'" + format + "'"));
      }
      Tensor logits = file.tensor(PolicyFile.LOGITS);
      logits.requireShape(-1, -1);
      long[] shape = logits.shape();
      if (shape[0] < 1 || shape[1] < 1 || shape[1] > Integer.MAX_VALUE) {
        throw new InputException(
            "%s: expected at least one row and 1 to %d columns"
                .formatted(logits.describe(), Integer.MAX_VALUE));
      }
      if (!logits.type().isFloatingPoint()) {
        throw new InputException(
            logits.describe() + ": expected a floating-point type (F16, BF16, F32, F64)");
      }
      return new StoredPolicy(file, logits);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Number of rows. */
  public long states() {
    return states;
  }

  /** Number of columns. */
  public int actions() {
    return actions;
  }

  /** How the logits are stored. */
  public TensorType type() {
    return logits.type();
  }

  /** The file's metadata: what the policy was trained for, and how far. */
  public Map<String, String> metadata() {
    return file.metadata();
  }

  /**
   * Reads row {@code state} as it is stored.
   *
   * @param destination {@code [actions]}
   * @throws InputException if an entry is NaN or infinite, with row and column
   * @throws IndexOutOfBoundsException if there is no such row, or the destination is too short
   */
  public void readLogits(long state, double[] destination) {
    logits.readDoubles(Math.multiplyExact(state, (long) actions), destination, actions);
    for (int action = 0; action < actions; action++) {
      if (!Double.isFinite(destination[action])) {
        throw new InputException(
            "%s: %s[%d, %d] must be finite, got %s"
                .formatted(file.path(), logits.name(), state, action, destination[action]));
      }
    }
  }

  /**
   * All rows, read from the file whenever one is asked for; of float64 or float32 numbers, as they
   * are stored.
   *
   * @throws InputException as {@link #readLogits}, for any row
   */
  public RowTable table() {
    double[] row = new double[actions];
    for (long state = 0; state < states; state++) {
      readLogits(state, row);
    }
    return logits.asTable(0);
  }

  /**
   * Reads row {@code state} as log-probabilities {@code log pi(a|s) = theta_a - log sum_b
   * exp(theta_b)}, nats, in float64 with the row's maximum taken out first.
   *
   * @param destination {@code [actions]}
   * @throws InputException as {@link #readLogits}
   * @throws IndexOutOfBoundsException as {@link #readLogits}
   */
  public void readLogProbs(long state, double[] destination) {
    readLogits(state, destination);
    LogPolicy.normalize(destination, actions);
  }

  /** Unmaps the file. */
  @Override
  public void close() {
    file.close();
  }
}
