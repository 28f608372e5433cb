package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsFile;
import java.util.Map;

/** The tokenizer that a file was made with, in its metadata. */
final class StoredTokenizer {
  private StoredTokenizer() {}

  static void write(Map<String, String> metadata, Tokenizer tokenizer) {
    metadata.put("tokenizer", tokenizer.name());
    metadata.put("tokenizer_fingerprint", tokenizer.fingerprint());
  }

  /** Whether the file says which tokenizer it was made with. */
  static boolean isKnown(SafetensorsFile file) {
    return file.metadata().containsKey("tokenizer_fingerprint");
  }

  /**
   * @throws InputException if the file was made with another tokenizer, or doesn't say
   */
  static void requireSame(SafetensorsFile file, Tokenizer tokenizer) {
    String stored = file.metadata().getOrDefault("tokenizer_fingerprint", "none");
    require(
        file.path().toString(),
        file.metadata().getOrDefault("tokenizer", "an unnamed tokenizer"),
        stored,
        tokenizer);
  }

  static void require(String path, String name, String fingerprint, Tokenizer tokenizer) {
    if (!fingerprint.equals(tokenizer.fingerprint())) {
      throw new InputException(
          "%s: made with tokenizer %s (fingerprint %s), expected %s (fingerprint %s)"
              .formatted(
                  path,
                  name,
                  shortened(fingerprint),
                  tokenizer.name(),
                  shortened(tokenizer.fingerprint())));
    }
  }

  private static String shortened(String fingerprint) {
    return fingerprint.substring(0, Math.min(12, fingerprint.length()));
  }
}
