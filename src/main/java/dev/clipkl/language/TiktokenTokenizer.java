package dev.clipkl.language;

import com.knuddels.jtokkit.Encodings;
import com.knuddels.jtokkit.api.Encoding;
import com.knuddels.jtokkit.api.EncodingRegistry;
import com.knuddels.jtokkit.api.EncodingType;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A byte-level BPE vocabulary of the tiktoken family, from jtokkit. */
final class TiktokenTokenizer implements Tokenizer {
  private static final String END_OF_TEXT = "<|endoftext|>";

  /** tiktoken's special tokens per vocabulary; the rank files hold only ordinary tokens. */
  private static final Map<String, Map<Integer, String>> SPECIAL_TOKENS =
      new TreeMap<>(
          Map.of(
              "r50k_base",
              Map.of(50256, END_OF_TEXT),
              "p50k_base",
              Map.of(50256, END_OF_TEXT),
              "cl100k_base",
              Map.of(
                  100257, END_OF_TEXT,
                  100258, "<|fim_prefix|>",
                  100259, "<|fim_middle|>",
                  100260, "<|fim_suffix|>",
                  100276, "<|endofprompt|>"),
              "o200k_base",
              Map.of(199999, END_OF_TEXT, 200018, "<|endofprompt|>")));

  private static final EncodingRegistry REGISTRY = Encodings.newLazyEncodingRegistry();

  private final String name;
  private final byte[][] tokens;
  private final String fingerprint;
  private final Map<Integer, String> specialTokens;
  private volatile @Nullable Encoding encoding;

  TiktokenTokenizer(String name) {
    this.name = name;
    specialTokens = lookUp(SPECIAL_TOKENS, name);
    byte[] ranks = rankFile(name);
    fingerprint = Fingerprint.of(ranks);
    tokens = parse(ranks, specialTokens);
  }

  static List<String> names() {
    return List.of("r50k_base", "p50k_base", "cl100k_base", "o200k_base");
  }

  private static <K, T> T lookUp(Map<K, T> map, K key) {
    T found = map.get(key);
    if (found == null) {
      throw new IllegalArgumentException("not a built-in vocabulary: " + key);
    }
    return found;
  }

  private static byte[] rankFile(String name) {
    try (InputStream in = Encodings.class.getResourceAsStream(name + ".tiktoken")) {
      if (in == null) {
        throw new IllegalStateException("jtokkit's jar holds no " + name + ".tiktoken");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lines of {@code base64(token bytes) SPACE rank}. */
  private static byte[][] parse(byte[] ranks, Map<Integer, String> specialTokens) {
    byte[][] tokens = new byte[1 << 18][];
    int size = 0;
    for (String line : new String(ranks, StandardCharsets.ISO_8859_1).split("\n", -1)) {
      int space = line.indexOf(' ');
      if (space > 0) {
        int id = Integer.parseInt(line.substring(space + 1).strip());
        tokens[id] = Base64.getDecoder().decode(line.substring(0, space));
        size = Math.max(size, id + 1);
      }
    }
    for (var special : specialTokens.entrySet()) {
      tokens[special.getKey()] = special.getValue().getBytes(StandardCharsets.UTF_8);
      size = Math.max(size, special.getKey() + 1);
    }
    byte[][] fitted = new byte[size][];
    for (int id = 0; id < size; id++) {
      fitted[id] = tokens[id] == null ? new byte[0] : tokens[id];
    }
    return fitted;
  }

  /** The merge tables are larger than the vocabulary and needed only to encode. */
  private Encoding encoding() {
    Encoding current = encoding;
    if (current == null) {
      current = REGISTRY.getEncoding(EncodingType.fromName(name).orElseThrow());
      encoding = current;
    }
    return current;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int vocabularySize() {
    return tokens.length;
  }

  @Override
  public int[] encode(String text) {
    return encoding().encodeOrdinary(text).toArray();
  }

  @Override
  public String decode(int[] ids) {
    return VocabularyBytes.concatenate(this, ids);
  }

  @Override
  public byte[] tokenBytes(int id) {
    VocabularyBytes.requireInside(this, id);
    return Arrays.copyOf(tokens[id], tokens[id].length);
  }

  @Override
  public boolean isSpecial(int id) {
    return specialTokens.containsKey(id);
  }

  @Override
  public OptionalInt endOfText() {
    return specialTokens.entrySet().stream()
        .filter(special -> special.getValue().equals(END_OF_TEXT))
        .mapToInt(Map.Entry::getKey)
        .findFirst();
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  @Override
  public String toString() {
    return name;
  }
}
