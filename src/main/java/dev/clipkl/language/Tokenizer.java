package dev.clipkl.language;

import java.util.OptionalInt;

/**
 * Text to token ids and back, over a fixed vocabulary of {@link #vocabularySize} columns.
 *
 * <p>Implementations are immutable and safe for use by several threads.
 */
public interface Tokenizer {
  /** The built-in name ({@code cl100k_base}) or the path of the {@code tokenizer.json}. */
  String name();

  /**
   * The columns of a table over this vocabulary: the highest token id plus one, special tokens and
   * unassigned ids (holes) included.
   */
  int vocabularySize();

  /**
   * The token ids of a text. The text of a special token ({@code <|endoftext|>}) is encoded as
   * ordinary text, and no special token is added.
   */
  int[] encode(String text);

  /**
   * The text of token ids; bytes that aren't UTF-8 become U+FFFD.
   *
   * @throws IllegalArgumentException if an id is outside the vocabulary or is a hole
   */
  String decode(int[] ids);

  /**
   * The bytes that a token stands for in a text; empty for a hole. A token that starts a word
   * begins with a space where the vocabulary says so.
   *
   * @throws IllegalArgumentException if the id is outside the vocabulary
   */
  byte[] tokenBytes(int id);

  /** Whether the id stands for a special (control) token. */
  boolean isSpecial(int id);

  /** The id that ends a text, where the vocabulary has one. */
  OptionalInt endOfText();

  /** SHA-256 of the vocabulary file, in hexadecimal: equal exactly when the ids mean the same. */
  String fingerprint();

  /**
   * A token for a reader on one line: spaces and line ends visible ({@code ␣kind}, {@code ⏎}),
   * bytes that aren't UTF-8 as {@code \xE2}, holes as {@code <hole 100256>}.
   *
   * @throws IllegalArgumentException if the id is outside the vocabulary
   */
  default String display(int id) {
    return TokenDisplay.of(id, tokenBytes(id));
  }
}
