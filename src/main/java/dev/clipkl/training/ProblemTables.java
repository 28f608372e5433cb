package dev.clipkl.training;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.config.StartDistribution;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.DenseReference;
import dev.clipkl.language.DenseRewards;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.RewardFile;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.problem.Problem;
import dev.clipkl.problem.PromptBandit;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.MemoryBudget.Item;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A configured problem with its tables in memory.
 *
 * @param problem the bandit or the MDP
 * @param initialLogits where training starts; null for the reference
 * @param description where the tables came from, one line each
 */
record ProblemTables(Problem problem, @Nullable RowTable initialLogits, List<String> description) {

  /** What a run will hold in memory beside the problem's own tables. */
  private record Demand(RunConfig config, Engine engine, OptimizerKind optimizer) {

    /**
     * @throws dev.clipkl.failure.EnvironmentException when it does not fit, before any table is
     *     made
     */
    void require(long states, int actions, boolean oneReward, boolean initialLogits) {
      RowTable.Precision stored = RowTable.Precision.FLOAT32;
      RowTable.Precision trained = engine.kind().precision();
      long table = RowTable.allocatedBytes(stored, states, actions);
      long policy = RowTable.allocatedBytes(trained, states, actions);
      List<Item> items = new ArrayList<>();
      items.add(new Item("policy logits", policy));
      if (optimizer.momentTables() > 0) {
        items.add(
            new Item("moments of " + optimizer.configName(), policy * optimizer.momentTables()));
      }
      items.add(new Item("reference", table));
      items.add(
          new Item("rewards", oneReward ? RowTable.allocatedBytes(stored, 1, actions) : table));
      if (initialLogits) {
        items.add(new Item("initial logits", table));
      }
      items.add(new Item("engine scratch", engine.scratchBytes(actions, optimizer)));
      items.add(
          new Item(
              "exact optima",
              (long) config.run().threadCount() * actions * Double.BYTES * SOLVER_ARRAYS));
      MemoryBudget.parse(config.run().memory())
          .require(
              items,
              "use fewer prompts, a smaller vocabulary"
                  + (optimizer.momentTables() > 0 ? ", an optimizer without moments" : "")
                  + ", or raise run.memory if the machine has more");
    }
  }

  /** Arrays of a row's length that an optimum's solver holds. */
  private static final int SOLVER_ARRAYS = 4;

  /**
   * Loads what a configuration names, after checking that all of it fits in memory.
   *
   * @param arena owns the tables
   * @throws InputException when a file is missing, unsound or does not fit the others
   * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice
   */
  static ProblemTables load(RunConfig config, Engine engine, OptimizerKind optimizer, Arena arena) {
    Optional<Path> importFile = config.problem().importFile();
    if (config.problem().kind() == ProblemKind.MDP) {
      return MdpImport.read(required(importFile, "problem.import"), config, arena);
    }
    Demand demand = new Demand(config, engine, optimizer);
    return importFile.isPresent()
        ? importBandit(importFile.get(), config, demand, arena)
        : promptBandit(config, demand, arena);
  }

  private static ProblemTables promptBandit(RunConfig config, Demand demand, Arena arena) {
    List<Prompt> prompts = Prompts.read(required(config.problem().prompts(), "problem.prompts"));
    Tokenizer tokenizer =
        Tokenizers.open(required(config.problem().tokenizer(), "problem.tokenizer"));
    int actions = tokenizer.vocabularySize();
    try (ReferenceFile referenceFile =
            ReferenceFile.open(required(config.problem().reference(), "problem.reference"));
        RewardFile rewardFile =
            RewardFile.open(required(config.problem().reward(), "problem.reward"), tokenizer)) {
      referenceFile.check(prompts, tokenizer);
      rewardFile.checkRows(prompts.size());
      demand.require(prompts.size(), actions, rewardFile.isOneRow(), false);
      RowTable reference = RowTable.allocate(arena, prompts.size(), actions);
      referenceFile.fillRows(prompts, tokenizer, reference);
      RowTable rewards = rewardTable(arena, prompts.size(), actions, rewardFile.isOneRow());
      rewardFile.fill(rewards);
      return new ProblemTables(
          new PromptBandit(reference, rewards, startWeights(prompts, config.problem().start())),
          null,
          List.of(
              "%d prompts, %s, %d tokens".formatted(prompts.size(), tokenizer.name(), actions),
              "reference: " + referenceFile.description(),
              "reward: " + rewardFile.description()));
    }
  }

  private static RowTable rewardTable(Arena arena, long rows, int columns, boolean oneRow) {
    return oneRow
        ? RowTable.broadcast(arena, rows, columns)
        : RowTable.allocate(arena, rows, columns);
  }

  static <T> T required(Optional<T> value, String key) {
    return value.orElseThrow(
        () -> new InputException(key + " is missing: this problem.kind needs it"));
  }

  private static ProblemTables importBandit(
      Path path, RunConfig config, Demand demand, Arena arena) {
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      DenseReference referenceRows = DenseReference.of(file);
      DenseRewards rewardRows = DenseRewards.of(file);
      long states = referenceRows.rows();
      int actions = referenceRows.vocabularySize();
      if (rewardRows.vocabularySize() != actions) {
        throw new InputException(
            "%s: %s does not fit %s: expected %d columns, got %d"
                .formatted(
                    path,
                    rewardRows.description(),
                    referenceRows.description(),
                    actions,
                    rewardRows.vocabularySize()));
      }
      rewardRows.checkRows(states);
      Optional<Tensor> initial = file.find("initial_logits");
      initial.ifPresent(tensor -> tensor.requireShape(states, actions));
      demand.require(states, actions, rewardRows.isOneRow(), initial.isPresent());
      RowTable reference = RowTable.allocate(arena, states, actions);
      referenceRows.fill(reference);
      RowTable rewards = rewardTable(arena, states, actions, rewardRows.isOneRow());
      rewardRows.fill(rewards);
      RowTable initialLogits = null;
      if (initial.isPresent()) {
        initialLogits = RowTable.allocate(arena, states, actions);
        initial.get().readTable(initialLogits);
        requireFinite(path, initialLogits);
      }
      return new ProblemTables(
          new PromptBandit(
              reference, rewards, startWeights(file, config.problem().start(), states)),
          initialLogits,
          List.of(
              "%d states, %d actions".formatted(states, actions),
              "reference: " + referenceRows.description(),
              "reward: " + rewardRows.description()));
    }
  }

  /** Relative weights of the prompts, above 0. */
  static double[] startWeights(List<Prompt> prompts, StartDistribution kind) {
    double[] weights = Prompts.startWeights(prompts);
    if (kind == StartDistribution.UNIFORM) {
      Arrays.fill(weights, 1.0);
    }
    return weights;
  }

  /**
   * Relative weights of an imported problem's states, above 0.
   *
   * @throws InputException when the file's {@code start} holds anything else
   */
  static double[] startWeights(SafetensorsFile file, StartDistribution kind, long states) {
    double[] weights = new double[Math.toIntExact(states)];
    Arrays.fill(weights, 1.0);
    Optional<Tensor> start = file.find("start");
    if (start.isPresent() && kind == StartDistribution.WEIGHTS) {
      start.get().requireShape(states);
      start.get().readDoubles(0, weights, weights.length);
      for (int row = 0; row < weights.length; row++) {
        if (!(weights[row] > 0.0 && weights[row] < Double.POSITIVE_INFINITY)) {
          throw new InputException(
              "%s: start[%d] must be above 0 and finite, got %s"
                  .formatted(file.path(), row, weights[row]));
        }
      }
    }
    return weights;
  }

  private static void requireFinite(Path path, RowTable table) {
    float[] row = new float[table.columns()];
    for (long i = 0; i < table.rows(); i++) {
      table.readRow(i, row);
      for (int a = 0; a < row.length; a++) {
        if (!Float.isFinite(row[a])) {
          throw new InputException(
              "%s: initial_logits[%d, %d] must be finite, got %s".formatted(path, i, a, row[a]));
        }
      }
    }
  }
}
