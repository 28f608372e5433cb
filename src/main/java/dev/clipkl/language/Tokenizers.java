package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Opens tokenizers by name or by file. */
public final class Tokenizers {
  private Tokenizers() {}

  /** The names of the vocabularies that come with clipkl. */
  public static List<String> builtInNames() {
    return TiktokenTokenizer.names();
  }

  /**
   * Opens a built-in vocabulary by its name, or a Hugging Face {@code tokenizer.json} by its path.
   *
   * @throws InputException if it is neither a known name nor a readable tokenizer file
   */
  public static Tokenizer open(String nameOrPath) {
    if (builtInNames().contains(nameOrPath)) {
      return new TiktokenTokenizer(nameOrPath);
    }
    return existingPath(nameOrPath)
        .<Tokenizer>map(TokenizerJson::open)
        .orElseThrow(() -> unknown(nameOrPath));
  }

  /** What {@link #open} takes for the same tokenizer from every working directory. */
  public static String absolute(String nameOrPath) {
    return builtInNames().contains(nameOrPath)
        ? nameOrPath
        : existingPath(nameOrPath).map(path -> path.toAbsolutePath().toString()).orElse(nameOrPath);
  }

  private static Optional<Path> existingPath(String text) {
    try {
      return Optional.of(Path.of(text)).filter(path -> !text.isBlank() && Files.exists(path));
    } catch (InvalidPathException e) {
      return Optional.empty();
    }
  }

  private static InputException unknown(String nameOrPath) {
    if (nameOrPath.endsWith(".json") || nameOrPath.contains("/")) {
      return new InputException(
          "%s: no such tokenizer file; give a tokenizer.json or one of %s"
              .formatted(nameOrPath, String.join(", ", builtInNames())));
    }
    return new InputException(
        "tokenizer must be one of %s or the path of a tokenizer.json, got '%s' (nearest: %s)"
            .formatted(String.join(", ", builtInNames()), nameOrPath, nearest(nameOrPath)));
  }

  private static String nearest(String name) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    return builtInNames().stream()
        .min(Comparator.comparingInt(known -> distance.apply(name, known)))
        .orElseThrow();
  }
}
