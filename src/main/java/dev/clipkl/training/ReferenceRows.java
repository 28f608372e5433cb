package dev.clipkl.training;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.config.StartDistribution;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.DenseReference;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.MemoryBudget.Item;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** A reference policy's rows without the rest of its problem, and how much each row counts. */
public final class ReferenceRows implements AutoCloseable {
  /** Where rows come from. */
  @FunctionalInterface
  private interface Reader {
    void read(long row, double[] destination);
  }

  private final String description;
  private final long states;
  private final int actions;
  private final double[] startWeights;
  private final Reader reader;
  private final Runnable release;

  private ReferenceRows(
      String description,
      long states,
      int actions,
      double[] startWeights,
      Reader reader,
      Runnable release) {
    this.description = description;
    this.states = states;
    this.actions = actions;
    this.startWeights = startWeights;
    this.reader = reader;
    this.release = release;
  }

  /**
   * The reference that a run was trained against, in the numbers that it was trained with.
   *
   * @throws InputException when an input of the run is missing, unsound or does not fit the others
   * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice
   */
  @SuppressWarnings("MustBeClosed") // The arena is closed by close(), or here on failure.
  public static ReferenceRows ofRun(RunConfig config) {
    if (config.problem().kind() != ProblemKind.BANDIT) {
      throw new InputException(
          "problem.kind %s: expected a run of prompts or of an imported bandit, whose rows have"
                  .formatted(config.problem().kind().name().toLowerCase(Locale.ROOT))
              + " start weights");
    }
    Arena arena = Arena.ofShared();
    try {
      return config.problem().importFile().isPresent()
          ? imported(config.problem().importFile().get(), config, arena)
          : ofPrompts(config, arena);
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  private static ReferenceRows imported(Path path, RunConfig config, Arena arena) {
    try (SafetensorsFile file = SafetensorsFile.open(path, arena)) {
      DenseReference rows = DenseReference.of(file);
      RowTable table =
          storage(rows.rows(), rows.vocabularySize(), false, config, arena).reference(rows);
      double[] weights = ProblemTables.startWeights(file, config.problem().start(), table.rows());
      return ofTable(rows.description(), table, weights, arena);
    }
  }

  private static ReferenceRows ofPrompts(RunConfig config, Arena arena) {
    RunConfig.Problem problem = config.problem();
    List<Prompt> prompts =
        Prompts.read(ProblemTables.required(problem.prompts(), "problem.prompts"));
    Tokenizer tokenizer =
        Tokenizers.open(ProblemTables.required(problem.tokenizer(), "problem.tokenizer"));
    Path path = ProblemTables.required(problem.reference(), "problem.reference");
    try (ReferenceFile file = ReferenceFile.open(path, arena)) {
      file.check(prompts, tokenizer);
      RowTable table =
          storage(
                  prompts.size(),
                  tokenizer.vocabularySize(),
                  BanditStorage.canCompute(file, config),
                  config,
                  arena)
              .reference(file, prompts, tokenizer);
      double[] weights = ProblemTables.startWeights(prompts, problem.start());
      return ofTable(file.description(), table, weights, arena);
    }
  }

  private static BanditStorage storage(
      long rows, int columns, boolean canCompute, RunConfig config, Arena arena) {
    long bytes = RowTable.allocatedBytes(config.problem().storage(), rows, columns);
    TablePlacement placement =
        TablePlacement.choose(
            MemoryBudget.parse(config.run().memory()),
            new TablePlacement.Demand(
                rows, List.of(), new Item("reference", bytes), canCompute, List.of(), 1));
    return new BanditStorage(config, placement, arena);
  }

  private static ReferenceRows ofTable(
      String description, RowTable table, double[] startWeights, Arena arena) {
    int columns = table.columns();
    return new ReferenceRows(
        description,
        table.rows(),
        columns,
        startWeights,
        (row, destination) -> {
          table.readRow(row, destination);
          // Float32 leaves the sum of a row's probabilities off by up to 1e-7.
          LogPolicy.normalize(destination, columns);
        },
        arena::close);
  }

  /**
   * The rows {@code reference_log_probs} or {@code reference_logits} of a file, weighted by its
   * {@code start} if it has one, read when they are asked for.
   *
   * @throws InputException when the file is missing or unsound, or holds no such tensor
   */
  public static ReferenceRows ofFile(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      DenseReference rows = DenseReference.of(file);
      return new ReferenceRows(
          rows.description(),
          rows.rows(),
          rows.vocabularySize(),
          ProblemTables.startWeights(file, StartDistribution.WEIGHTS, rows.rows()),
          rows::readLogProbs,
          rows::close);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Where the rows came from, in a line. */
  public String description() {
    return description;
  }

  /** Number of rows. */
  public long states() {
    return states;
  }

  /** Number of columns. */
  public int actions() {
    return actions;
  }

  /** Relative weights of the rows, {@code [states]}, above 0; not normalised. */
  public double[] startWeights() {
    return startWeights.clone();
  }

  /**
   * Reads one row as log-probabilities, nats, normalised in float64.
   *
   * @param destination {@code [actions]}
   * @throws InputException if the row is no distribution with every probability above 0
   */
  public void readLogProbs(long state, double[] destination) {
    reader.read(state, destination);
  }

  /** Frees the rows. */
  @Override
  public void close() {
    release.run();
  }
}
