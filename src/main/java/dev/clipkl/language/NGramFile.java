package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.Tensor;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/**
 * An {@link NGramModel} as safetensors: {@code unigram_counts} I32 {@code [vocabularySize]} and,
 * for the orders above, {@code bigram_*} and {@code trigram_*}: {@code contexts} I64 (21 bits per
 * token, the latest lowest; the id {@code vocabularySize} is the start of a text), {@code offsets}
 * I32 {@code [contexts + 1]}, {@code tokens} and {@code counts} I32 {@code [n-grams]}. Discounts
 * and probabilities follow from the counts. The same model gives the same bytes.
 */
final class NGramFile {
  static final String KIND = "ngram-model";

  private static final String VERSION = "1";
  private static final List<String> LEVEL_NAMES = List.of("bigram", "trigram");

  private NGramFile() {}

  /** Writes the model, atomically; {@code description} joins the metadata. */
  static void write(
      Path path, NGramModel model, Tokenizer tokenizer, Map<String, String> description) {
    Map<String, String> metadata = new TreeMap<>(description);
    metadata.put("kind", KIND);
    metadata.put("format_version", VERSION);
    metadata.put("order", Integer.toString(model.order()));
    metadata.put("vocabulary_size", Integer.toString(model.vocabularySize()));
    model.endOfText().ifPresent(id -> metadata.put("end_of_text", Integer.toString(id)));
    StoredTokenizer.write(metadata, tokenizer);
    List<Declaration> declarations = new ArrayList<>();
    declarations.add(
        new Declaration("unigram_counts", TensorType.I32, model.unigramCounts().length));
    for (int i = 0; i < model.levels().size(); i++) {
      NGramLevel level = model.levels().get(i);
      String name = LEVEL_NAMES.get(i);
      declarations.add(
          new Declaration(name + "_contexts", TensorType.I64, level.contexts().length));
      declarations.add(new Declaration(name + "_offsets", TensorType.I32, level.offsets().length));
      declarations.add(new Declaration(name + "_tokens", TensorType.I32, level.tokens().length));
      declarations.add(new Declaration(name + "_counts", TensorType.I32, level.counts().length));
    }
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, metadata, declarations)) {
      writer.writeInts(model.unigramCounts(), model.unigramCounts().length);
      for (NGramLevel level : model.levels()) {
        writer.writeLongs(level.contexts(), level.contexts().length);
        writer.writeInts(level.offsets(), level.offsets().length);
        writer.writeInts(level.tokens(), level.tokens().length);
        writer.writeInts(level.counts(), level.counts().length);
      }
      writer.commit();
    }
  }

  /**
   * Reads a model into memory.
   *
   * @throws InputException if the file is of another version or its tensors contradict each other
   */
  static NGramModel read(SafetensorsFile file) {
    String version = required(file, "format_version");
    if (!version.equals(VERSION)) {
      throw new InputException(
          "%s: expected n-gram format version %s, got %s".formatted(file.path(), VERSION, version));
    }
    int order = integer(file, "order");
    int vocabularySize = integer(file, "vocabulary_size");
    if (order < 1 || order > NGramModel.HIGHEST_ORDER) {
      throw damaged(file, "order " + order);
    }
    if (vocabularySize < 1 || vocabularySize >= NGramLevel.TOKEN_MASK) {
      throw damaged(file, "vocabulary_size " + vocabularySize);
    }
    OptionalInt endOfText =
        file.metadata().containsKey("end_of_text")
            ? OptionalInt.of(integer(file, "end_of_text"))
            : OptionalInt.empty();
    if (endOfText.isPresent() && !inside(endOfText.getAsInt(), vocabularySize)) {
      throw damaged(file, "end_of_text " + endOfText.getAsInt());
    }
    int[] unigrams = ints(file, "unigram_counts", vocabularySize);
    long total = 0;
    for (int count : unigrams) {
      if (!(count >= 0)) {
        throw damaged(file, "unigram_counts holds " + count);
      }
      total += count;
    }
    if (!(total > 0)) {
      throw damaged(file, "unigram_counts are all 0");
    }
    List<NGramLevel> levels = new ArrayList<>();
    for (int n = 2; n <= order; n++) {
      levels.add(level(file, n, vocabularySize));
    }
    if (order == 3) {
      requireNested(file, levels.get(0), levels.get(1));
    }
    return new NGramModel(vocabularySize, endOfText, unigrams, levels);
  }

  private static NGramLevel level(SafetensorsFile file, int n, int vocabularySize) {
    String name = LEVEL_NAMES.get(n - 2);
    Tensor contextTensor = vector(file, name + "_contexts", -1);
    long[] contexts = new long[length(file, contextTensor)];
    contextTensor.readLongs(0, contexts, contexts.length);
    int[] offsets = ints(file, name + "_offsets", contexts.length + 1L);
    int[] tokens = ints(file, name + "_tokens", -1);
    int[] counts = ints(file, name + "_counts", tokens.length);
    if (!(offsets[0] == 0 && offsets[contexts.length] == tokens.length)) {
      throw damaged(file, name + "_offsets don't span the n-grams");
    }
    for (int i = 0; i < contexts.length; i++) {
      if (!(isContext(contexts[i], n, vocabularySize)
          && (i == 0 || contexts[i - 1] < contexts[i]))) {
        throw damaged(file, name + "_contexts isn't increasing within the vocabulary at " + i);
      }
      if (!(offsets[i] < offsets[i + 1] && offsets[i + 1] <= tokens.length)) {
        throw damaged(file, name + "_offsets isn't increasing at " + i);
      }
      for (int j = offsets[i]; j < offsets[i + 1]; j++) {
        if (!(inside(tokens[j], vocabularySize)
            && (j == offsets[i] || tokens[j - 1] < tokens[j]))) {
          throw damaged(file, name + "_tokens isn't increasing within the vocabulary at " + j);
        }
        if (!(counts[j] >= 1)) {
          throw damaged(file, name + "_counts is below 1 at " + j);
        }
      }
    }
    return new NGramLevel(contexts, offsets, tokens, counts);
  }

  private static boolean inside(long token, int vocabularySize) {
    return token >= 0 && token < vocabularySize;
  }

  /** The earliest token may be the start of a text, which is the id {@code vocabularySize}. */
  private static boolean isContext(long key, int n, int vocabularySize) {
    long last = key & NGramLevel.TOKEN_MASK;
    long earliest = n == 2 ? key : key >>> NGramLevel.TOKEN_BITS;
    return earliest >= 0 && earliest <= vocabularySize && (n == 2 || inside(last, vocabularySize));
  }

  /** Rows are filled from the bigrams' followers, so every trigram must end in a bigram. */
  private static void requireNested(SafetensorsFile file, NGramLevel bigrams, NGramLevel trigrams) {
    for (int i = 0; i < trigrams.contexts().length; i++) {
      int shorter = bigrams.find(trigrams.contexts()[i] & NGramLevel.TOKEN_MASK);
      for (int token : trigrams.followers(i)) {
        if (!bigrams.contains(shorter, token)) {
          throw damaged(file, "trigram context " + i + " has a token that its bigram lacks");
        }
      }
    }
  }

  static String required(SafetensorsFile file, String key) {
    String value = file.metadata().get(key);
    if (value == null) {
      throw damaged(file, "metadata has no " + key);
    }
    return value;
  }

  private static int integer(SafetensorsFile file, String key) {
    String value = required(file, key);
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw damaged(file, "metadata %s is %s".formatted(key, OneLine.of(value)));
    }
  }

  private static int[] ints(SafetensorsFile file, String name, long length) {
    Tensor tensor = vector(file, name, length);
    int[] values = new int[length(file, tensor)];
    tensor.readInts(0, values, values.length);
    return values;
  }

  private static Tensor vector(SafetensorsFile file, String name, long length) {
    Tensor tensor = file.tensor(name);
    tensor.requireShape(length);
    return tensor;
  }

  private static int length(SafetensorsFile file, Tensor tensor) {
    long length = tensor.shape()[0];
    if (!(length <= Integer.MAX_VALUE - 16)) {
      throw damaged(file, tensor.name() + " has " + length + " entries");
    }
    return (int) length;
  }

  private static InputException damaged(SafetensorsFile file, String what) {
    return new InputException(
        "%s: not a sound n-gram model: %s; build it again".formatted(file.path(), what));
  }
}
