package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Token rewards from a file: a safetensors tensor ({@link DenseRewards}) or a word list ({@link
 * TokenLexicon}).
 */
public sealed interface RewardFile extends AutoCloseable permits DenseRewards, TokenLexicon {

  /**
   * Opens rewards for a vocabulary: a lexicon if the name ends in {@code .csv} or {@code .json},
   * else safetensors.
   *
   * @throws InputException if the file is unsound, holds no rewards, or was made for another
   *     vocabulary
   */
  static RewardFile open(Path path, Tokenizer tokenizer) {
    return isLexicon(path)
        ? TokenLexicon.read(path, tokenizer)
        : DenseRewards.open(SafetensorsFile.open(path), tokenizer);
  }

  /**
   * The same for tables that are read from the file: it stays mapped as long as {@code arena}
   * lives.
   *
   * @throws InputException as {@link #open(Path, Tokenizer)}
   */
  static RewardFile open(Path path, Tokenizer tokenizer, Arena arena) {
    return isLexicon(path)
        ? TokenLexicon.read(path, tokenizer)
        : DenseRewards.open(SafetensorsFile.open(path, arena), tokenizer);
  }

  private static boolean isLexicon(Path path) {
    String name = path.toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".csv") || name.endsWith(".json");
  }

  /** What the rewards are, on one line. */
  String description();

  /** The columns of a row. */
  int vocabularySize();

  /** Whether one row serves all prompts, so that a broadcast table can hold it. */
  boolean isOneRow();

  /**
   * Checks the number of rows; cheap, and done before a table is allocated.
   *
   * @throws InputException if the file holds another number of rows
   */
  void checkRows(long prompts);

  /**
   * Writes the rewards into every row.
   *
   * @param destination {@code [prompts, vocabularySize]}; broadcast only if {@link #isOneRow}
   * @throws InputException if the rows' number differs or a reward is NaN or infinite in float32,
   *     with row and column
   * @throws IllegalArgumentException if the table has other columns or can't hold different rows
   */
  void fill(RowTable destination);

  /** Ends the use of the file. */
  @Override
  void close();
}
