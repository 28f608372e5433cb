package dev.clipkl.cli;

import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.TopTokens;
import dev.clipkl.table.AtomicFile;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import dev.clipkl.training.PolicyFile;
import dev.clipkl.training.StoredPolicy;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.commons.csv.CSVFormat;
import org.jspecify.annotations.Nullable;

/** Writes rows of a policy for other programs. */
final class PolicyExport {
  /** Name of the tensor of normalised log-probabilities. */
  static final String LOG_PROBS = "log_probs";

  /** Name of the tensor that tells which rows of the policy were exported. */
  static final String ROWS = "rows";

  private static final CSVFormat CSV = CSVFormat.DEFAULT.builder().setRecordSeparator("\n").get();

  private PolicyExport() {}

  /**
   * Writes {@code log_probs} F32, or {@code logits} as they are stored, {@code [rows, actions]},
   * and {@code rows} I64 {@code [rows]}; atomically.
   */
  static void writeTensors(StoredPolicy policy, long[] rows, boolean logits, Path path) {
    Map<String, String> metadata = new TreeMap<>(policy.metadata());
    metadata.remove(PolicyFile.FORMAT_KEY);
    metadata.put("kind", "policy-rows");
    metadata.put("format_version", "1");
    List<Declaration> declarations =
        List.of(
            new Declaration(ROWS, TensorType.I64, rows.length),
            new Declaration(
                logits ? PolicyFile.LOGITS : LOG_PROBS,
                logits ? policy.type() : TensorType.F32,
                rows.length,
                policy.actions()));
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, metadata, declarations)) {
      writer.writeLongs(rows, rows.length);
      double[] values = new double[policy.actions()];
      for (long row : rows) {
        if (logits) {
          policy.readLogits(row, values);
        } else {
          policy.readLogProbs(row, values);
        }
        writer.writeDoubles(values, values.length);
      }
      writer.commit();
    }
  }

  /**
   * Writes the most probable tokens of each row as CSV (RFC 4180 quoting, UTF-8, a header line),
   * most probable first; atomically.
   *
   * @param top tokens per row; all of them where a row has fewer
   * @param names the rows' prompts or contexts, or null to leave the cell empty
   * @param heading of the names
   * @param tokenizer for the tokens' texts, or null to leave the cell empty
   */
  static void writeTopTokens(
      StoredPolicy policy,
      long[] rows,
      int top,
      String heading,
      @Nullable List<String> names,
      @Nullable Tokenizer tokenizer,
      Path path) {
    double[] logits = new double[policy.actions()];
    try (AtomicFile file = AtomicFile.open(path);
        Writer csv =
            new BufferedWriter(
                new OutputStreamWriter(file.outputStream(), StandardCharsets.UTF_8))) {
      CSV.printRecord(csv, "row", heading, "rank", "token_id", "token", "probability");
      for (long row : rows) {
        policy.readLogits(row, logits);
        String name = names == null ? null : names.get(Math.toIntExact(row));
        int rank = 1;
        for (TopTokens.Entry entry : TopTokens.of(logits, top)) {
          String token = tokenizer == null ? null : tokenizer.display(entry.id());
          CSV.printRecord(csv, row, name, rank++, entry.id(), token, entry.probability());
        }
      }
      csv.flush();
      file.commit();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
