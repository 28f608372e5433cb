package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;

/**
 * A reference policy in a safetensors file: an n-gram model that gives a row for any prompt, or one
 * stored row per prompt.
 */
public sealed interface ReferenceFile extends AutoCloseable permits NGramReference, DenseReference {

  /**
   * Opens a reference.
   *
   * @throws InputException if the file is no sound safetensors file or holds no reference: neither
   *     an n-gram model nor a tensor {@code reference_log_probs} or {@code reference_logits}
   */
  static ReferenceFile open(Path path) {
    return of(SafetensorsFile.open(path));
  }

  /**
   * The same for tables that are read from the file: it stays mapped as long as {@code arena}
   * lives.
   *
   * @throws InputException as {@link #open(Path)}
   */
  static ReferenceFile open(Path path, Arena arena) {
    return of(SafetensorsFile.open(path, arena));
  }

  private static ReferenceFile of(SafetensorsFile file) {
    try {
      if (NGramFile.KIND.equals(file.metadata().get("kind"))) {
        try (file) {
          return NGramReference.read(file);
        }
      }
      return DenseReference.of(file);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** What the reference is, on one line. */
  String description();

  /** The columns of a row. */
  int vocabularySize();

  /**
   * Checks that this reference can serve these prompts in this vocabulary; cheap, and done before
   * any table is allocated.
   *
   * @throws InputException if the number of prompts or the vocabulary differs
   */
  void check(List<Prompt> prompts, Tokenizer tokenizer);

  /**
   * Writes one row of normalised log-probabilities per prompt.
   *
   * @param destination {@code [prompts, vocabularySize]}, not broadcast; nats, finite; from float64
   *     arithmetic, rounded to the table's precision (an n-gram model's rows to float32), and
   *     normalised again after rounding to 16 bits
   * @throws InputException as {@link #check}, and for stored rows that hold NaN, infinity or a zero
   *     probability, with row and column
   * @throws IllegalArgumentException if the table has another shape
   */
  void fillRows(List<Prompt> prompts, Tokenizer tokenizer, RowTable destination);

  /** Unmaps the file. */
  @Override
  void close();
}
