package dev.clipkl.training;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.SafetensorsWriter.Declaration;
import dev.clipkl.table.Tensor;
import dev.clipkl.table.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A run's state on disk: the actor with its optimizer, bit for bit, what the last block of outer
 * iterations found, and how far metrics had been written.
 *
 * @param outerIteration outer iterations done
 * @param seconds seconds of training behind it
 * @param spent where the time of the run went until then
 * @param metricsBytes length of {@code metrics.jsonl} at that moment
 * @param stalled whether the last outer iteration moved no row
 * @param rowMetrics the rows' latest metrics, {@code [metrics, states]}; empty at {@link #START}.
 *     An evaluation of the restored policy would differ from them in the last bits, because a block
 *     carries normalisers along, and so could stop the run elsewhere.
 */
@SuppressWarnings("ArrayRecordComponent") // Not compared; the rows are large and copied once.
public record Checkpoint(
    int outerIteration,
    double seconds,
    PhaseSeconds spent,
    long metricsBytes,
    boolean stalled,
    double[][] rowMetrics) {
  private static final String FORMAT = "clipkl-checkpoint-4";
  private static final String ROW_METRICS = "row_metrics";

  /** Nothing done yet. */
  public static final Checkpoint START =
      new Checkpoint(0, 0.0, PhaseSeconds.NONE, 0L, false, new double[0][]);

  /** Whether this is {@link #START}: nothing has been measured or written. */
  public boolean isStart() {
    return rowMetrics.length == 0;
  }

  /**
   * Writes a checkpoint in place of the one before, atomically.
   *
   * @param fingerprint of the problem
   * @throws EnvironmentException when the disk is full
   */
  public void write(Path file, ActorState actor, RowProgram program, String fingerprint) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw new EnvironmentException("cannot create the folder of %s".formatted(file), e);
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", FORMAT);
    metadata.put("outer_iteration", Integer.toString(outerIteration));
    metadata.put("seconds", Double.toString(seconds));
    for (Phase phase : Phase.values()) {
      metadata.put(secondsKey(phase), Double.toString(spent.get(phase)));
    }
    metadata.put("metrics_bytes", Long.toString(metricsBytes));
    metadata.put("stalled", Boolean.toString(stalled));
    metadata.put("program", program.toString());
    metadata.put("fingerprint", fingerprint);
    int states = actor.states();
    List<Declaration> tensors = new ArrayList<>();
    tensors.add(tableDeclaration("logits", actor.logits()));
    for (int m = 0; m < actor.moments().size(); m++) {
      tensors.add(tableDeclaration("moment." + m, actor.moments().get(m)));
    }
    tensors.add(new Declaration("step_sizes", TensorType.F64, states));
    tensors.add(new Declaration("momentum_steps", TensorType.I32, states));
    tensors.add(new Declaration("finished", TensorType.I32, states));
    tensors.add(new Declaration(ROW_METRICS, TensorType.F64, RowMetric.COUNT, states));
    int[] finished = new int[states];
    for (int row = 0; row < states; row++) {
      finished[row] = actor.finished()[row] ? 1 : 0;
    }
    try (SafetensorsWriter writer = SafetensorsWriter.open(file, metadata, tensors)) {
      writer.writeTable(actor.logits());
      for (RowTable moment : actor.moments()) {
        writer.writeTable(moment);
      }
      writer.writeDoubles(actor.stepSizes(), states);
      writer.writeInts(actor.momentumSteps(), states);
      writer.writeInts(finished, states);
      for (double[] metric : rowMetrics) {
        writer.writeDoubles(metric, states);
      }
      writer.commit();
    }
  }

  private static String secondsKey(Phase phase) {
    return "seconds." + phase.key();
  }

  /** A table as it is stored, without its padding. */
  static Declaration tableDeclaration(String name, RowTable table) {
    TensorType type =
        switch (table.precision()) {
          case BFLOAT16 -> TensorType.BF16;
          case FLOAT16 -> TensorType.F16;
          case FLOAT32 -> TensorType.F32;
          case FLOAT64 -> TensorType.F64;
        };
    return new Declaration(name, type, table.rows(), table.columns());
  }

  /**
   * Reads a checkpoint into an actor; {@link #START} when there is none, and the actor is
   * untouched.
   *
   * @throws InputException when the file is damaged or belongs to another problem or program
   */
  public static Checkpoint read(
      Path file, ActorState actor, RowProgram program, String fingerprint) {
    if (!Files.exists(file)) {
      return START;
    }
    try (SafetensorsFile stored = SafetensorsFile.open(file)) {
      Map<String, String> metadata = stored.metadata();
      require(file, "format", FORMAT, metadata);
      require(file, "fingerprint", fingerprint, metadata);
      require(file, "program", program.toString(), metadata);
      stored.tensor("logits").readTable(actor.logits());
      for (int m = 0; m < actor.moments().size(); m++) {
        stored.tensor("moment." + m).readTable(actor.moments().get(m));
      }
      int states = actor.states();
      stored.tensor("step_sizes").readDoubles(0, actor.stepSizes(), states);
      stored.tensor("momentum_steps").readInts(0, actor.momentumSteps(), states);
      int[] finished = new int[states];
      stored.tensor("finished").readInts(0, finished, states);
      for (int row = 0; row < states; row++) {
        actor.finished()[row] = finished[row] != 0;
      }
      Tensor metricRows = stored.tensor(ROW_METRICS);
      metricRows.requireShape(RowMetric.COUNT, states);
      double[][] rowMetrics = new double[RowMetric.COUNT][states];
      for (int m = 0; m < RowMetric.COUNT; m++) {
        metricRows.readDoubles((long) m * states, rowMetrics[m], states);
      }
      return new Checkpoint(
          Integer.parseInt(value(file, "outer_iteration", metadata)),
          Double.parseDouble(value(file, "seconds", metadata)),
          PhaseSeconds.of(phase -> Double.parseDouble(value(file, secondsKey(phase), metadata))),
          Long.parseLong(value(file, "metrics_bytes", metadata)),
          Boolean.parseBoolean(value(file, "stalled", metadata)),
          rowMetrics);
    } catch (NumberFormatException e) {
      throw new InputException("%s: damaged metadata, %s".formatted(file, e.getMessage()), e);
    }
  }

  private static String value(Path file, String key, Map<String, String> metadata) {
    String value = metadata.get(key);
    if (value == null) {
      throw new InputException("%s: expected the metadata key %s, got none".formatted(file, key));
    }
    return value;
  }

  private static void require(
      Path file, String key, String expected, Map<String, String> metadata) {
    String got = value(file, key, metadata);
    if (!got.equals(expected)) {
      throw new InputException(
          "%s: this checkpoint was made by a different run: expected %s %s, got %s"
              .formatted(file, key, expected, got));
    }
  }
}
