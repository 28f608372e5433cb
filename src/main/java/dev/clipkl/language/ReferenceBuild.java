package dev.clipkl.language;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/** Builds an n-gram reference from a corpus and stores it. */
public final class ReferenceBuild {
  /** One text in twenty, 5 %, is held out. */
  private static final int HELD_OUT_ONE_IN = 20;

  /**
   * What was built.
   *
   * @param texts texts counted
   * @param heldOutTexts texts kept out of the model, to measure it
   * @param tokens tokens counted, ends of text included
   * @param types different tokens among them
   * @param ngrams different n-grams, order 1 first
   * @param heldOutPerplexity of the stored model on the held-out texts; NaN if there are none
   * @param unigramPerplexity of the order-1 model of the same texts, to compare with; NaN likewise
   * @param minProbability the smallest probability of any token in any context
   * @param seconds wall time, writing included
   * @param bytes the file's size
   */
  public record Summary(
      Path path,
      String corpus,
      String tokenizer,
      int vocabularySize,
      int order,
      long texts,
      long heldOutTexts,
      long tokens,
      long types,
      List<Long> ngrams,
      double heldOutPerplexity,
      double unigramPerplexity,
      double minProbability,
      double seconds,
      long bytes) {}

  private ReferenceBuild() {}

  /**
   * Counts the corpus, measures the model on the held-out texts and writes it, atomically.
   *
   * <p>A text is held out if the CRC-32 of its UTF-8 bytes is a multiple of 20, so that equal texts
   * are on one side. The stored model is the one measured: held-out texts are not in it.
   *
   * @param order 1 to 3
   * @throws InputException if the order is another, a text can't be read, the corpus has no text to
   *     count, or the file's folder can't be written to
   */
  public static Summary run(Corpus corpus, Tokenizer tokenizer, int order, Path path) {
    long start = System.nanoTime();
    if (order < 1 || order > NGramModel.HIGHEST_ORDER) {
      throw new InputException("the n-gram order must be 1, 2 or 3, got " + order);
    }
    NGramCounter counter = new NGramCounter(tokenizer.vocabularySize(), tokenizer.endOfText());
    List<int[]> heldOut = new ArrayList<>();
    long[] texts = new long[1];
    corpus.forEach(text -> {
      int[] tokens = tokenizer.encode(text);
      if (tokens.length > 0 && isHeldOut(text)) {
        heldOut.add(tokens);
      } else if (tokens.length > 0) {
        counter.add(tokens);
        texts[0]++;
      }
    });
    if (texts[0] == 0) {
      throw new InputException(corpus.description() + ": no text to build a reference from");
    }
    NGramModel model = counter.model(order);
    NGramModel unigrams = order == 1 ? model : counter.model(1);
    double perplexity = model.perplexity(heldOut);
    double unigramPerplexity = unigrams.perplexity(heldOut);
    double minProbability = model.minProbability();

    Map<String, String> description = new TreeMap<>();
    description.put("corpus", corpus.description());
    description.put("corpus_tokens", Long.toString(counter.tokens()));
    description.put("held_out_perplexity", Double.toString(perplexity));
    description.put("unigram_perplexity", Double.toString(unigramPerplexity));
    description.put("min_probability", Double.toString(minProbability));
    NGramFile.write(path, model, tokenizer, description);

    return new Summary(
        path,
        corpus.description(),
        tokenizer.name(),
        tokenizer.vocabularySize(),
        order,
        texts[0],
        heldOut.size(),
        counter.tokens(),
        unigrams.ngrams(1),
        IntStream.rangeClosed(1, order).mapToObj(model::ngrams).toList(),
        perplexity,
        unigramPerplexity,
        minProbability,
        (System.nanoTime() - start) / 1e9,
        sizeOf(path));
  }

  static boolean isHeldOut(String text) {
    CRC32 crc = new CRC32();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue() % HELD_OUT_ONE_IN == 0;
  }

  private static long sizeOf(Path path) {
    try {
      return Files.size(path);
    } catch (IOException e) {
      throw new EnvironmentException(path + ": written, but can't be read back", e);
    }
  }
}
