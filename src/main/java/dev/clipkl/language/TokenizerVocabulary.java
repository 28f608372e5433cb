package dev.clipkl.language;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/** What a {@code tokenizer.json} says about its vocabulary: which id means which bytes. */
final class TokenizerVocabulary {
  /** Names under which published vocabularies list the token that ends a text. */
  private static final List<String> END_OF_TEXT_NAMES =
      List.of("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<｜end▁of▁sentence｜>");

  /** Ids beyond this are no vocabulary but a damaged file; a table has that many columns. */
  private static final int LARGEST_ID = (1 << 21) - 2;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final byte[][] tokens;
  private final Map<Integer, String> specialTokens;
  private final Map<Integer, String> ordinaryAddedTokens;
  private final String textOnlyJson;

  private TokenizerVocabulary(
      byte[][] tokens,
      Map<Integer, String> specialTokens,
      Map<Integer, String> ordinaryAddedTokens,
      String textOnlyJson) {
    this.tokens = tokens;
    this.specialTokens = specialTokens;
    this.ordinaryAddedTokens = ordinaryAddedTokens;
    this.textOnlyJson = textOnlyJson;
  }

  static TokenizerVocabulary read(Path path, byte[] file) {
    ObjectNode root = parse(path, file);
    JsonNode model = root.path("model");
    Map<String, Integer> modelVocabulary = modelVocabulary(path, model);
    Map<Integer, String> special = new TreeMap<>();
    Map<Integer, String> ordinary = new TreeMap<>();
    for (JsonNode added : root.path("added_tokens")) {
      JsonNode id = added.path("id");
      JsonNode content = added.path("content");
      if (!content.isTextual() || content.textValue().isEmpty()) {
        throw new InputException(path + ": an entry of added_tokens has no content");
      }
      int checked = checkedId(path, content.textValue(), id);
      (added.path("special").asBoolean() ? special : ordinary).put(checked, content.textValue());
    }
    Map<Integer, String> control = new TreeMap<>(special);
    Integer unknown = modelVocabulary.get(model.path("unk_token").asText(""));
    if (unknown != null) {
      control.putIfAbsent(unknown, model.path("unk_token").asText());
    }
    byte[][] tokens = bytes(root, modelVocabulary, control, ordinary);
    return new TokenizerVocabulary(
        tokens, control, ordinary, withoutSpecialTokens(root, special, modelVocabulary));
  }

  private static ObjectNode parse(Path path, byte[] file) {
    try {
      if (JSON.readTree(file) instanceof ObjectNode root) {
        return root;
      }
    } catch (IOException e) {
      throw new InputException("%s: not JSON: %s".formatted(path, OneLine.of(e)), e);
    }
    throw new InputException(path + ": not a tokenizer.json: expected a JSON object");
  }

  private static Map<String, Integer> modelVocabulary(Path path, JsonNode model) {
    JsonNode vocab = model.path("vocab");
    Map<String, Integer> ids = new HashMap<>();
    if (vocab.isObject()) {
      vocab
          .properties()
          .forEach(
              entry -> ids.put(entry.getKey(), checkedId(path, entry.getKey(), entry.getValue())));
    } else if (vocab.isArray()) {
      // Unigram: [token, score] pairs, the id is the position.
      for (int id = 0; id < vocab.size(); id++) {
        ids.putIfAbsent(vocab.get(id).path(0).asText(), id);
      }
    }
    if (ids.isEmpty()) {
      throw new InputException(path + ": not a tokenizer.json: model.vocab is missing or empty");
    }
    return ids;
  }

  private static int checkedId(Path path, String token, JsonNode id) {
    if (!id.canConvertToInt() || !id.isIntegralNumber() || id.intValue() < 0) {
      throw new InputException(
          "%s: token '%s' must have an id >= 0, got %s"
              .formatted(path, OneLine.of(token), id.isMissingNode() ? "none" : id));
    }
    if (id.intValue() > LARGEST_ID) {
      throw new InputException(
          "%s: token '%s' has id %d; ids up to %d are supported"
              .formatted(path, OneLine.of(token), id.intValue(), LARGEST_ID));
    }
    return id.intValue();
  }

  private static byte[][] bytes(
      JsonNode root,
      Map<String, Integer> modelVocabulary,
      Map<Integer, String> control,
      Map<Integer, String> ordinary) {
    int size = modelVocabulary.values().stream().mapToInt(id -> id + 1).max().orElse(0);
    for (var added : List.of(control, ordinary)) {
      size = added.keySet().stream().mapToInt(id -> id + 1).reduce(size, Math::max);
    }
    byte[][] tokens = new byte[size][0];
    TokenSpelling spelling = TokenSpelling.of(root);
    modelVocabulary.forEach((token, id) -> tokens[id] = spelling.bytes(token));
    for (var added : List.of(ordinary, control)) {
      added.forEach((id, content) -> tokens[id] = TokenSpelling.PLAIN.bytes(content));
    }
    return tokens;
  }

  /**
   * The same tokenizer, but one that can't find special tokens in a text, adds none, and neither
   * truncates nor pads. Special tokens are renamed rather than removed, since the library numbers
   * added tokens by their position.
   */
  private static String withoutSpecialTokens(
      ObjectNode original, Map<Integer, String> special, Map<String, Integer> modelVocabulary) {
    ObjectNode root = original.deepCopy();
    root.putNull("truncation").putNull("padding");
    root.putNull("post_processor");
    ArrayNode kept = JSON.createArrayNode();
    for (JsonNode added : root.path("added_tokens")) {
      String content = added.path("content").textValue();
      boolean isSpecial = special.containsKey(added.path("id").intValue());
      if (isSpecial && modelVocabulary.containsKey(content)) {
        continue;
      }
      if (isSpecial && added instanceof ObjectNode renamed) {
        renamed.put("content", unreachable(added.path("id").intValue()));
      }
      kept.add(added);
    }
    root.set("added_tokens", kept);
    renameInModel(root.path("model"), special);
    return root.toString();
  }

  /**
   * Models that look up whole pieces would still find a special token's name in their vocabulary.
   * BPE can't: it reaches a token only by merges.
   */
  private static void renameInModel(JsonNode model, Map<Integer, String> special) {
    String unknown = model.path("unk_token").asText("");
    JsonNode vocab = model.path("vocab");
    special.forEach((id, content) -> {
      if (vocab instanceof ArrayNode pieces
          && id < pieces.size()
          && pieces.get(id) instanceof ArrayNode piece) {
        piece.set(0, JSON.getNodeFactory().textNode(unreachable(id)));
      } else if (vocab instanceof ObjectNode words
          && !model.has("merges")
          && !content.equals(unknown)
          && words.has(content)) {
        words.remove(content);
        words.put(unreachable(id), id);
      }
    });
  }

  private static String unreachable(int id) {
    return "\u0001\uF8FFspecial-" + id + "\uF8FF\u0001";
  }

  int size() {
    return tokens.length;
  }

  byte[] bytes(int id) {
    return Arrays.copyOf(tokens[id], tokens[id].length);
  }

  boolean isSpecial(int id) {
    return specialTokens.containsKey(id);
  }

  /** Tokens that are added to the model's vocabulary and are matched in texts. */
  Map<Integer, String> ordinaryAddedTokens() {
    return ordinaryAddedTokens;
  }

  /** The JSON to encode with: special tokens' names are ordinary text for it. */
  String textOnlyJson() {
    return textOnlyJson;
  }

  OptionalInt endOfText() {
    List<Integer> found = new ArrayList<>();
    for (String name : END_OF_TEXT_NAMES) {
      specialTokens.forEach((id, content) -> {
        if (content.equals(name)) {
          found.add(id);
        }
      });
    }
    return found.isEmpty() ? OptionalInt.empty() : OptionalInt.of(found.getFirst());
  }
}
