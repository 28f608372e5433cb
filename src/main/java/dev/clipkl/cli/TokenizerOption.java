package dev.clipkl.cli;

import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import picocli.CommandLine.Option;

/** The vocabulary that a command works in. Add it to a command with {@code @Mixin}. */
final class TokenizerOption {
  @Option(
      names = "--tokenizer",
      required = true,
      paramLabel = "NAME|FILE",
      description =
          "The vocabulary: r50k_base, p50k_base, cl100k_base, o200k_base, or the path of a"
              + " tokenizer.json.")
  private String tokenizer = "";

  /**
   * Opens the tokenizer.
   *
   * @throws dev.clipkl.failure.InputException if it is neither a known name nor a tokenizer file
   */
  Tokenizer open() {
    return Tokenizers.open(tokenizer);
  }
}
