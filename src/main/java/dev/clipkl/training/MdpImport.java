package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.config.StartDistribution;
import dev.clipkl.failure.InputException;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.MemoryBudget.Item;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.TableSpace;
import dev.clipkl.table.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * A finite MDP from a safetensors file: {@code transitions} {@code [states, actions, states]},
 * {@code rewards} and {@code reference} (probabilities) {@code [states, actions]}, {@code start}
 * {@code [states]}, and optionally {@code initial_logits} {@code [states, actions]}; all of a
 * floating-point type, computed with in float64.
 */
final class MdpImport {
  /**
   * How far a distribution's sum may be from 1: float32 numbers of thousands of states, not more.
   */
  private static final double LARGEST_SUM_ERROR = 1e-4;

  /** Float64 matrices of {@code [states, states]} that an evaluation holds at once. */
  private static final int EVALUATION_MATRICES = 4;

  private final SafetensorsFile file;
  private final Tensor transitions;
  private final int states;
  private final int actions;

  private MdpImport(SafetensorsFile file) {
    this.file = file;
    transitions = file.tensor("transitions");
    transitions.requireShape(-1, -1, -1);
    long[] shape = transitions.shape();
    if (shape[0] < 1 || shape[1] < 1 || shape[0] > 1 << 20 || shape[1] > 1 << 20) {
      throw new InputException(
          "%s: expected 1 to %d states and actions".formatted(transitions.describe(), 1 << 20));
    }
    transitions.requireShape(shape[0], shape[1], shape[0]);
    states = Math.toIntExact(shape[0]);
    actions = Math.toIntExact(shape[1]);
  }

  /**
   * Reads a process.
   *
   * @param arena owns its tables
   * @throws InputException for a missing or misshapen tensor, a number that is not finite, or a
   *     distribution that is none, with its place
   * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice
   */
  static ProblemTables read(Path path, RunConfig config, Arena arena) {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      return new MdpImport(file).read(config, arena);
    }
  }

  private ProblemTables read(RunConfig config, Arena arena) {
    requireMemory(config);
    RowTable reference = matrix("reference", arena);
    normalizeRows("reference", reference, true);
    takeLogarithms(reference);
    RowTable rewards = matrix("rewards", arena);
    requireFinite("rewards", rewards);
    RowTable table =
        RowTable.allocate(arena, RowTable.Precision.FLOAT64, (long) states * actions, states);
    for (long row = 0; row < table.rows(); row++) {
      transitions.readRow(row * states, table, row);
    }
    normalizeRows("transitions", table, false);
    RowTable initialLogits = null;
    if (file.find("initial_logits").isPresent()) {
      initialLogits = matrix("initial_logits", arena);
      requireFinite("initial_logits", initialLogits);
    }
    return new ProblemTables(
        new FiniteMdp(table, reference, rewards, start(config), config.problem().discount()),
        initialLogits,
        TableSpace.inMemory(arena),
        List.of(
            "%d states, %d actions, discount %s"
                .formatted(states, actions, config.problem().discount()),
            transitions.describe()));
  }

  private void requireMemory(RunConfig config) {
    long matrix = RowTable.allocatedBytes(RowTable.Precision.FLOAT64, states, actions);
    MemoryBudget.parse(config.run().memory())
        .require(
            List.of(
                new Item(
                    "transitions",
                    RowTable.allocatedBytes(
                        RowTable.Precision.FLOAT64, (long) states * actions, states)),
                new Item("policy, reference, rewards and action values", 8 * matrix),
                new Item(
                    "linear systems", (long) EVALUATION_MATRICES * states * states * Double.BYTES)),
            "use fewer states or actions, or raise run.memory if the machine has more");
  }

  private RowTable matrix(String name, Arena arena) {
    RowTable table = RowTable.allocate(arena, RowTable.Precision.FLOAT64, states, actions);
    file.tensor(name).readTable(table);
    return table;
  }

  /** A distribution per row; sums that storage has rounded are made 1. */
  private void normalizeRows(String name, RowTable table, boolean positive) {
    double[] row = new double[table.columns()];
    for (long i = 0; i < table.rows(); i++) {
      table.readRow(i, row);
      double sum = 0.0;
      for (int j = 0; j < row.length; j++) {
        if (!(positive ? row[j] > 0.0 : row[j] >= 0.0)) {
          throw new InputException(
              "%s: %s%s must be %s, got %s"
                  .formatted(
                      file.path(),
                      name,
                      place(name, i, j),
                      positive ? "a probability above 0" : "a probability",
                      row[j]));
        }
        sum += row[j];
      }
      if (!(Math.abs(sum - 1.0) <= LARGEST_SUM_ERROR)) {
        throw new InputException(
            "%s: %s%s must sum to 1 within %s, got %s"
                .formatted(file.path(), name, place(name, i, -1), LARGEST_SUM_ERROR, sum));
      }
      for (int j = 0; j < row.length; j++) {
        row[j] /= sum;
      }
      table.writeRow(i, row);
    }
  }

  /** {@code [state, action, next]} for transitions, else {@code [state, action]}; -1 is any. */
  private String place(String name, long row, int column) {
    String last = column < 0 ? ":" : Integer.toString(column);
    return name.equals("transitions")
        ? "[%d, %d, %s]".formatted(row / actions, row % actions, last)
        : "[%d, %s]".formatted(row, last);
  }

  private static void takeLogarithms(RowTable table) {
    double[] row = new double[table.columns()];
    for (long i = 0; i < table.rows(); i++) {
      table.readRow(i, row);
      table.writeRow(i, Arrays.stream(row).map(Math::log).toArray());
    }
  }

  private void requireFinite(String name, RowTable table) {
    double[] row = new double[table.columns()];
    for (long i = 0; i < table.rows(); i++) {
      table.readRow(i, row);
      for (int j = 0; j < row.length; j++) {
        if (!Double.isFinite(row[j])) {
          throw new InputException(
              "%s: %s[%d, %d] must be finite, got %s".formatted(file.path(), name, i, j, row[j]));
        }
      }
    }
  }

  private double[] start(RunConfig config) {
    double[] start = new double[states];
    Arrays.fill(start, 1.0);
    if (config.problem().start() == StartDistribution.WEIGHTS) {
      Tensor tensor = file.tensor("start");
      tensor.requireShape(states);
      tensor.readDoubles(0, start, states);
    }
    double sum = 0.0;
    for (int s = 0; s < states; s++) {
      if (!(start[s] > 0.0 && start[s] < Double.POSITIVE_INFINITY)) {
        throw new InputException(
            "%s: start[%d] must be above 0 and finite, got %s".formatted(file.path(), s, start[s]));
      }
      sum += start[s];
    }
    for (int s = 0; s < states; s++) {
      start[s] /= sum;
    }
    return start;
  }
}
