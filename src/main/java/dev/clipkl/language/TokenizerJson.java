package dev.clipkl.language;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face {@code tokenizer.json}, run by the Rust tokenizers library through DJL.
 *
 * <p>Nothing is downloaded and nobody is called: DJL is put in offline mode before it loads, and
 * unpacks its native library from its own jar into {@code ENGINE_CACHE_DIR}, {@code DJL_CACHE_DIR}
 * or {@code ~/.djl.ai}.
 */
final class TokenizerJson implements Tokenizer {
  static {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    if (System.getProperty("org.slf4j.simpleLogger.log.ai.djl") == null) {
      // DJL warns about GPUs and maximum lengths that play no part here, and prints the stack
      // traces of failures that are reported in one line below.
      System.setProperty("org.slf4j.simpleLogger.log.ai.djl", "off");
    }
  }

  private static final Map<String, String> PLAIN =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private final String name;
  private final byte[] file;
  private final TokenizerVocabulary vocabulary;
  private final HuggingFaceTokenizer encoder;
  private volatile @Nullable HuggingFaceTokenizer decoder;

  private TokenizerJson(
      String name, byte[] file, TokenizerVocabulary vocabulary, HuggingFaceTokenizer encoder) {
    this.name = name;
    this.file = file;
    this.vocabulary = vocabulary;
    this.encoder = encoder;
  }

  static TokenizerJson open(Path path) {
    byte[] file;
    try {
      file = Files.readAllBytes(path);
    } catch (IOException e) {
      throw new InputException(path + ": not a readable tokenizer.json file", e);
    }
    TokenizerVocabulary vocabulary = TokenizerVocabulary.read(path, file);
    HuggingFaceTokenizer encoder =
        load(path.toString(), vocabulary.textOnlyJson().getBytes(StandardCharsets.UTF_8));
    TokenizerJson tokenizer = new TokenizerJson(path.toString(), file, vocabulary, encoder);
    tokenizer.checkAddedTokens();
    return tokenizer;
  }

  private static HuggingFaceTokenizer load(String name, byte[] json) {
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), PLAIN);
    } catch (IOException | LinkageError e) {
      throw nativeLibraryFailure(e);
    } catch (RuntimeException e) {
      if (e instanceof ai.djl.engine.EngineException) {
        throw nativeLibraryFailure(e);
      }
      throw new InputException(
          "%s: not a tokenizer that the tokenizers library can load: %s"
              .formatted(name, OneLine.of(e)),
          e);
    }
  }

  private static EnvironmentException nativeLibraryFailure(Throwable cause) {
    return new EnvironmentException(
        "the native tokenizers library can't be unpacked or loaded (%s); set ENGINE_CACHE_DIR to a"
                .formatted(OneLine.of(cause))
            + " writable folder, or use one of "
            + String.join(", ", Tokenizers.builtInNames()),
        cause);
  }

  /** The library renumbers added tokens of ill-formed files; then every id would be off. */
  private void checkAddedTokens() {
    vocabulary
        .ordinaryAddedTokens()
        .forEach((id, content) -> {
          int[] encoded = encode(content);
          if (encoded.length == 1 && encoded[0] != id) {
            throw new InputException(
                "%s: added_tokens gives '%s' the id %d, the tokenizers library gives it %d"
                    .formatted(name, content, id, encoded[0]));
          }
        });
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int[] encode(String text) {
    long[] ids = encoder.encode(text, false, false).getIds();
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  @Override
  public String decode(int[] ids) {
    for (int id : ids) {
      VocabularyBytes.requireToken(this, id);
    }
    HuggingFaceTokenizer current = decoder;
    if (current == null) {
      current = load(name, file);
      decoder = current;
    }
    return current.decode(Arrays.stream(ids).asLongStream().toArray(), false);
  }

  @Override
  public byte[] tokenBytes(int id) {
    VocabularyBytes.requireInside(this, id);
    return vocabulary.bytes(id);
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(id);
  }

  @Override
  public OptionalInt endOfText() {
    return vocabulary.endOfText();
  }

  @Override
  public String fingerprint() {
    return Fingerprint.of(file);
  }

  @Override
  public String toString() {
    return name;
  }
}
