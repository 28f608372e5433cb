package dev.clipkl.language;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Ids to bytes, checked against the vocabulary. */
final class VocabularyBytes {
  private VocabularyBytes() {}

  static void requireInside(Tokenizer tokenizer, int id) {
    if (id < 0 || id >= tokenizer.vocabularySize()) {
      throw new IllegalArgumentException(
          "%s has token ids 0 to %d, got %d"
              .formatted(tokenizer.name(), tokenizer.vocabularySize() - 1, id));
    }
  }

  static void requireToken(Tokenizer tokenizer, int id) {
    if (tokenizer.tokenBytes(id).length == 0) {
      throw new IllegalArgumentException(
          "%s has no token with id %d".formatted(tokenizer.name(), id));
    }
  }

  static String concatenate(Tokenizer tokenizer, int[] ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4 * ids.length);
    for (int id : ids) {
      requireToken(tokenizer, id);
      bytes.writeBytes(tokenizer.tokenBytes(id));
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
