package dev.clipkl.cli;

import dev.clipkl.problem.Problem;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.TensorType;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Writes a problem's tables for other programs, with the very numbers that its runs compute with.
 */
final class ProblemExport {
  /** Which table. */
  enum Table {
    REFERENCE("reference_log_probs") {
      @Override
      RowTable of(Problem problem) {
        return problem.reference();
      }
    },
    REWARDS("rewards") {
      @Override
      RowTable of(Problem problem) {
        return problem.rewards();
      }
    };

    private final String tensor;

    Table(String tensor) {
      this.tensor = tensor;
    }

    abstract RowTable of(Problem problem);
  }

  private ProblemExport() {}

  /**
   * Writes {@code reference_log_probs} or {@code rewards}, F32 or, of an MDP, F64, {@code [rows,
   * actions]}, or {@code [1, actions]} for one reward of all rows; {@code rows} I64 {@code [rows]}
   * and {@code start} F64 {@code [rows]}, the start distribution; atomically.
   *
   * @return rows of the table that were written
   */
  static int write(Problem problem, Table which, long[] rows, Path path) {
    RowTable table = which.of(problem);
    int written = table.isBroadcast() ? 1 : rows.length;
    List<Declaration> declarations =
        List.of(
            new Declaration(PolicyExport.ROWS, TensorType.I64, rows.length),
            new Declaration("start", TensorType.F64, rows.length),
            new Declaration(
                which.tensor,
                table.isDouble() ? TensorType.F64 : TensorType.F32,
                written,
                table.columns()));
    Map<String, String> metadata =
        Map.of(
            "kind",
            "problem-rows",
            "format_version",
            "1",
            "problem_fingerprint",
            problem.fingerprint());
    try (SafetensorsWriter writer = SafetensorsWriter.open(path, metadata, declarations)) {
      writer.writeLongs(rows, rows.length);
      double[] all = problem.startDistribution();
      double[] start = new double[rows.length];
      for (int i = 0; i < rows.length; i++) {
        start[i] = all[Math.toIntExact(rows[i])];
      }
      writer.writeDoubles(start, start.length);
      double[] values = new double[table.columns()];
      for (int i = 0; i < written; i++) {
        table.readRow(rows[i], values);
        writer.writeDoubles(values, values.length);
      }
      writer.commit();
    }
    return written;
  }
}
