package dev.clipkl.language;

import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import java.util.List;

/** A stored {@link NGramModel}: one row per prompt, from the prompt's last tokens. */
public final class NGramReference implements ReferenceFile {
  private final String path;
  private final String tokenizerName;
  private final String tokenizerFingerprint;
  private final String corpus;
  private final NGramModel model;

  private NGramReference(SafetensorsFile file) {
    path = file.path().toString();
    tokenizerName = NGramFile.required(file, "tokenizer");
    tokenizerFingerprint = NGramFile.required(file, "tokenizer_fingerprint");
    corpus = NGramFile.required(file, "corpus");
    model = NGramFile.read(file);
  }

  static NGramReference read(SafetensorsFile file) {
    return new NGramReference(file);
  }

  /** The model itself. */
  public NGramModel model() {
    return model;
  }

  @Override
  public String description() {
    return "%d-gram model of %s, tokenizer %s".formatted(model.order(), corpus, tokenizerName);
  }

  @Override
  public int vocabularySize() {
    return model.vocabularySize();
  }

  @Override
  public void check(List<Prompt> prompts, Tokenizer tokenizer) {
    TableShape.requireVocabulary(path, model.vocabularySize(), tokenizer);
    StoredTokenizer.require(path, tokenizerName, tokenizerFingerprint, tokenizer);
  }

  @Override
  public void fillRows(List<Prompt> prompts, Tokenizer tokenizer, RowTable destination) {
    TableShape.requireRows(destination, prompts.size(), model.vocabularySize());
    ComputedRows.copy(computedRows(prompts, tokenizer), destination);
  }

  /**
   * The rows that {@link #fillRows} writes to a float32 table, without one: each is computed when
   * it is read, at the cost of {@link NGramModel#logProbabilities}.
   *
   * @return log-probabilities, nats, {@code [prompts, vocabularySize]}
   * @throws InputException as {@link #check}
   */
  public RowTable computedRows(List<Prompt> prompts, Tokenizer tokenizer) {
    check(prompts, tokenizer);
    int[][] tokens =
        prompts.stream().map(prompt -> tokenizer.encode(prompt.text())).toArray(int[][]::new);
    return RowTable.computed(
        tokens.length,
        model.vocabularySize(),
        (row, destination) -> model.logProbabilities(tokens[(int) row], destination));
  }

  /** Does nothing: the model was read into memory. */
  @Override
  public void close() {}
}
