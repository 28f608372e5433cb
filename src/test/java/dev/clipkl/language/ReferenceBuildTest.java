package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReferenceBuildTest {
  @TempDir private Path folder;

  private Path smallModel() throws IOException {
    StringBuilder text = new StringBuilder();
    Random random = new Random(1);
    List<String> words = List.of("kind", "rude", "calm");
    for (int line = 0; line < 200; line++) {
      for (int i = 0; i <= random.nextInt(5); i++) {
        text.append(words.get(random.nextInt(3))).append(' ');
      }
      text.append('\n');
    }
    Path corpus = Files.writeString(folder.resolve("corpus.txt"), text);
    Path path = folder.resolve("small.safetensors");
    ReferenceBuild.run(new TextCorpus(List.of(corpus), TextCorpus.Unit.LINE), words(), 3, path);
    return path;
  }

  private Tokenizer words() throws IOException {
    return Tokenizers.open(TokenizerJsonTest.wordLevel(folder).toString());
  }

  @Test
  void longerContextsPredictWordNetBetterAndRowsSurviveTheFileBitForBit() throws IOException {
    Tokenizer tokenizer = Tokenizers.open("cl100k_base");
    Path path = folder.resolve("wordnet.safetensors");
    ReferenceBuild.Summary trigrams = ReferenceBuild.run(new WordNetCorpus(), tokenizer, 3, path);
    ReferenceBuild.Summary bigrams =
        ReferenceBuild.run(new WordNetCorpus(), tokenizer, 2, folder.resolve("bigrams"));
    assertThat(trigrams.unigramPerplexity()).isEqualTo(bigrams.unigramPerplexity());
    assertThat(bigrams.heldOutPerplexity()).isLessThan(trigrams.unigramPerplexity() / 4);
    assertThat(trigrams.heldOutPerplexity()).isLessThan(bigrams.heldOutPerplexity() * 0.9);
    assertThat(trigrams.heldOutTexts() / (double) trigrams.texts()).isBetween(.045, .06);
    assertThat(trigrams.minProbability()).isBetween(1e-12, 1e-7);
    assertThat(trigrams.ngrams()).hasSize(3);
    assertThat(trigrams.bytes()).isEqualTo(Files.size(path));

    List<Prompt> prompts =
        List.of(new Prompt("Her answer was very"), new Prompt("He"), new Prompt("a feeling of"));
    NGramCounter counter = new NGramCounter(tokenizer.vocabularySize(), tokenizer.endOfText());
    List<int[]> heldOut = new ArrayList<>();
    new WordNetCorpus()
        .forEach(text ->
            (ReferenceBuild.isHeldOut(text)
                    ? (Consumer<int[]>) heldOut::add
                    : (Consumer<int[]>) counter::add)
                .accept(tokenizer.encode(text)));
    NGramModel model = counter.model(3);
    try (Arena arena = Arena.ofConfined();
        ReferenceFile stored = ReferenceFile.open(path)) {
      RowTable table = RowTable.allocate(arena, prompts.size(), tokenizer.vocabularySize());
      stored.fillRows(prompts, tokenizer, table);
      float[] expected = new float[tokenizer.vocabularySize()];
      float[] row = new float[tokenizer.vocabularySize()];
      for (int i = 0; i < prompts.size(); i++) {
        model.logProbabilities(tokenizer.encode(prompts.get(i).text()), expected);
        table.readRow(i, row);
        assertThat(row).isEqualTo(expected);
        double sum = 0;
        for (float logProbability : row) {
          assertThat(Math.exp(logProbability)).isGreaterThan(trigrams.minProbability() * .99999);
          sum += Math.exp(logProbability);
        }
        assertThat(sum).isCloseTo(1, within(1e-6));
      }
    }
  }

  @Test
  void theSameCorpusGivesTheSameBytesAndTheFileSaysWhatItIs() throws IOException {
    Path first = smallModel();
    byte[] bytes = Files.readAllBytes(first);
    assertThat(Files.readAllBytes(smallModel())).isEqualTo(bytes);
    try (SafetensorsFile file = SafetensorsFile.open(first)) {
      assertThat(file.metadata())
          .containsEntry("kind", "ngram-model")
          .containsEntry("format_version", "1")
          .containsEntry("order", "3")
          .containsEntry("vocabulary_size", "7")
          .containsEntry("corpus", "text files corpus.txt")
          .containsEntry("tokenizer_fingerprint", words().fingerprint())
          .containsKeys("tokenizer", "held_out_perplexity", "min_probability", "end_of_text");
    }
  }

  @Test
  void anotherVocabularyIsRefused() throws IOException {
    Path path = smallModel();
    List<Prompt> prompts = List.of(new Prompt("kind"));
    String json = Files.readString(Path.of(words().name()));
    Path other = Files.writeString(folder.resolve("o.json"), json.replace("calm", "cool"));
    Tokenizer sameSize = Tokenizers.open(other.toString());
    Tokenizer larger = Tokenizers.open("r50k_base");
    try (ReferenceFile reference = ReferenceFile.open(path)) {
      assertThatThrownBy(() -> reference.check(prompts, sameSize))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("made with tokenizer");
      assertThatThrownBy(() -> reference.check(prompts, larger))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("vocabulary is smaller than the tokenizer's: 7 columns");
    }
  }

  @Test
  void corpusWithoutTextIsRefusedAndNothingIsWritten() throws IOException {
    Path empty = Files.writeString(folder.resolve("empty.txt"), " \n\n");
    Path out = folder.resolve("never.safetensors");
    Tokenizer tokenizer = words();
    Corpus corpus = new TextCorpus(List.of(empty), TextCorpus.Unit.LINE);
    assertThatThrownBy(() -> ReferenceBuild.run(corpus, tokenizer, 3, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no text to build a reference from");
    assertThatThrownBy(() -> ReferenceBuild.run(corpus, tokenizer, 4, out))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("must be 1, 2 or 3, got 4");
    assertThat(out).doesNotExist();
  }

  /** Each change makes a file that is sound safetensors but no n-gram model. */
  @ParameterizedTest
  @CsvSource({
    "unigram_counts, 1, -3, unigram_counts holds -3",
    "bigram_contexts, 1, 0, bigram_contexts isn't increasing",
    "bigram_offsets, 1, 0, bigram_offsets isn't increasing",
    "bigram_offsets, 0, 1, bigram_offsets don't span",
    "bigram_tokens, 0, 7, bigram_tokens isn't increasing within the vocabulary",
    "trigram_tokens, 0, 0, trigram context 0 has a token that its bigram lacks",
    "trigram_counts, 2, 0, trigram_counts is below 1 at 2"
  })
  void contradictoryModelIsRefused(String tensor, int index, int value, String message)
      throws IOException {
    Path damaged = folder.resolve("damaged.safetensors");
    rewrite(smallModel(), damaged, tensor, index, value);
    assertThatThrownBy(() -> ReferenceFile.open(damaged))
        .isInstanceOf(InputException.class)
        .hasMessageContaining(damaged + ": not a sound n-gram model: " + message)
        .message()
        .hasLineCount(1);
  }

  @Test
  void metadataIsChecked() throws IOException {
    Path model = smallModel();
    Path damaged = folder.resolve("damaged.safetensors");
    for (var change :
        Map.of("order", "three", "vocabulary_size", "0", "format_version", "2").entrySet()) {
      try (SafetensorsFile file = SafetensorsFile.open(model)) {
        Map<String, String> metadata = new HashMap<>(file.metadata());
        metadata.put(change.getKey(), change.getValue());
        copy(file, damaged, metadata, "", 0, 0);
      }
      assertThatThrownBy(() -> ReferenceFile.open(damaged))
          .isInstanceOf(InputException.class)
          .hasMessageContaining(change.getValue());
    }
  }

  private static void rewrite(Path from, Path to, String tensor, int index, int value) {
    try (SafetensorsFile file = SafetensorsFile.open(from)) {
      copy(file, to, file.metadata(), tensor, index, value);
    }
  }

  private static void copy(
      SafetensorsFile file,
      Path to,
      Map<String, String> metadata,
      String changed,
      int index,
      long value) {
    List<Tensor> tensors = file.names().stream().map(file::tensor).toList();
    var declarations =
        tensors.stream()
            .map(t -> new SafetensorsWriter.Declaration(t.name(), t.type(), t.shape()))
            .toList();
    try (SafetensorsWriter writer = SafetensorsWriter.open(to, metadata, declarations)) {
      for (Tensor tensor : tensors) {
        long[] values = new long[(int) tensor.elements()];
        tensor.readLongs(0, values, values.length);
        if (tensor.name().equals(changed)) {
          values[index] = value;
        }
        if (tensor.name().endsWith("_contexts")) {
          writer.writeLongs(values, values.length);
        } else {
          int[] ints = java.util.Arrays.stream(values).mapToInt(Math::toIntExact).toArray();
          writer.writeInts(ints, ints.length);
        }
      }
      writer.commit();
    }
  }
}
