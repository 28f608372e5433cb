package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Takes reference rows from elsewhere, say dumped from an LLM, checks and normalises them. */
public final class ReferenceImport {
  /**
   * What was imported.
   *
   * @param source the tensor that was read: name, type, shape and file
   * @param minProbability the smallest probability of any entry
   * @param largestLogSum the largest {@code |log sum_j p_j|} of a row given as log-probabilities,
   *     nats; 0 for logits, which need not be normalised
   */
  public record Summary(
      Path path,
      String source,
      long rows,
      int vocabularySize,
      double minProbability,
      double largestLogSum) {}

  private ReferenceImport() {}

  /**
   * Reads {@code reference_log_probs} or {@code reference_logits} {@code [prompts, vocabularySize]}
   * (F16, BF16, F32, F64) and writes {@code reference_log_probs} F32, row by row and atomically.
   *
   * @param prompts the prompts that the rows belong to, in this order
   * @throws InputException if the file is unsound, a shape differs from the prompts' number or the
   *     tokenizer's vocabulary, or an entry is NaN, infinite or a zero probability; nothing is
   *     written then
   */
  public static Summary run(Path source, List<Prompt> prompts, Tokenizer tokenizer, Path path) {
    try (SafetensorsFile file = SafetensorsFile.open(source)) {
      DenseReference reference = DenseReference.of(file);
      reference.check(prompts, tokenizer);
      Map<String, String> metadata = new TreeMap<>();
      metadata.put("kind", "reference-rows");
      metadata.put("format_version", "1");
      StoredTokenizer.write(metadata, tokenizer);
      var declaration =
          new SafetensorsWriter.Declaration(
              DenseReference.LOG_PROBS,
              TensorType.F32,
              reference.rows(),
              reference.vocabularySize());
      try (SafetensorsWriter writer =
          SafetensorsWriter.open(path, metadata, List.of(declaration))) {
        DenseReference.Findings findings =
            reference.read(tokenizer, (index, row) -> writer.writeDoubles(row, row.length));
        writer.commit();
        return new Summary(
            path,
            reference.description(),
            reference.rows(),
            reference.vocabularySize(),
            Math.exp(findings.smallestLogProbability()),
            findings.largestLogSum());
      }
    }
  }
}
