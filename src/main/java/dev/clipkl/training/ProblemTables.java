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
import dev.clipkl.table.TableSpace;
import dev.clipkl.table.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A configured problem with its tables.
 *
 * @param problem the bandit or the MDP
 * @param initialLogits where training starts; null for the reference
 * @param space where the policy's tables belong
 * @param description where the tables came from, one line each
 */
record ProblemTables(
    Problem problem, @Nullable RowTable initialLogits, TableSpace space, List<String> description) {

  /** Arrays of a row's length that an optimum's solver holds. */
  private static final int SOLVER_ARRAYS = 4;

  /** Where a bandit's tables can be placed. */
  private record Placing(
      RunConfig config, EngineSelection selection, OptimizerKind optimizer, Runnable chosen) {

    /**
     * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice, before any
     *     table is made
     */
    TablePlacement place(TableNeeds needs) {
      long states = needs.states();
      int actions = needs.actions();
      RowTable.Precision stored = config.problem().storage();
      long table = RowTable.allocatedBytes(stored, needs.ownRows(), actions);
      RowTable.Precision precision = selection.engine().kind().precision();
      long policy = RowTable.allocatedBytes(precision, states, actions);
      List<Item> tables = new ArrayList<>();
      List<Item> work = new ArrayList<>(needs.work());
      tables.add(new Item("policy logits", policy));
      int moments = optimizer.momentTables(precision);
      if (moments > 0) {
        tables.add(new Item("moments of " + optimizer.configName(), policy * moments));
      }
      if (needs.oneReward()) {
        work.add(
            new Item("rewards", RowTable.allocatedBytes(RowTable.Precision.FLOAT32, 1, actions)));
      } else {
        tables.add(new Item("rewards", table));
      }
      selection.fit(MemoryBudget.sum(tables) + table);
      chosen.run();
      Engine engine = selection.engine();
      if (needs.copiesInitialLogits()) {
        tables.add(
            new Item(
                "initial logits",
                RowTable.allocatedBytes(RowTable.Precision.FLOAT32, states, actions)));
      }
      int threads = config.run().threadCount();
      work.add(new Item("engine scratch", engine.scratchBytes(actions, optimizer)));
      work.add(new Item("exact optima", (long) threads * actions * Double.BYTES * SOLVER_ARRAYS));
      return TablePlacement.choose(
          MemoryBudget.parse(config.run().memory()),
          new TablePlacement.Demand(
              states,
              tables,
              new Item("reference", table),
              needs.canComputeReference(),
              work,
              threads));
    }
  }

  /**
   * Loads what a configuration names, after placing it in memory or on the disk.
   *
   * @param selection made final as soon as the tables' sizes are known
   * @param arena owns the tables
   * @param chosen what follows that, before any table is made
   * @throws InputException when a file is missing, unsound or does not fit the others
   * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice
   */
  static ProblemTables load(
      RunConfig config,
      EngineSelection selection,
      OptimizerKind optimizer,
      Arena arena,
      Runnable chosen) {
    Optional<Path> importFile = config.problem().importFile();
    if (config.problem().kind() == ProblemKind.MDP) {
      chosen.run();
      return MdpImport.read(required(importFile, "problem.import"), config, arena);
    }
    Placing placing = new Placing(config, selection, optimizer, chosen);
    if (config.problem().kind() == ProblemKind.SEQUENCE) {
      SequenceTables sequences = new SequenceTables(config, placing::place, arena);
      return importFile.isPresent()
          ? sequences.ofFile(importFile.get())
          : sequences.ofPrompts().tables();
    }
    return importFile.isPresent()
        ? importBandit(importFile.get(), config, placing, arena)
        : promptBandit(config, placing, arena);
  }

  private static ProblemTables promptBandit(RunConfig config, Placing placing, Arena arena) {
    List<Prompt> prompts = Prompts.read(required(config.problem().prompts(), "problem.prompts"));
    Tokenizer tokenizer =
        Tokenizers.open(required(config.problem().tokenizer(), "problem.tokenizer"));
    int actions = tokenizer.vocabularySize();
    try (ReferenceFile referenceFile =
            ReferenceFile.open(required(config.problem().reference(), "problem.reference"), arena);
        RewardFile rewardFile =
            RewardFile.open(
                required(config.problem().reward(), "problem.reward"), tokenizer, arena)) {
      referenceFile.check(prompts, tokenizer);
      rewardFile.checkRows(prompts.size());
      TablePlacement placement =
          placing.place(
              new TableNeeds(
                  prompts.size(),
                  prompts.size(),
                  actions,
                  BanditStorage.canCompute(referenceFile, config),
                  rewardFile.isOneRow(),
                  false,
                  List.of()));
      BanditStorage storage = new BanditStorage(config, placement, arena);
      return new ProblemTables(
          new PromptBandit(
              storage.reference(referenceFile, prompts, tokenizer),
              storage.rewards(rewardFile, prompts.size()),
              startWeights(prompts, config.problem().start())),
          null,
          storage.space(),
          List.of(
              "%d prompts, %s, %d tokens".formatted(prompts.size(), tokenizer.name(), actions),
              "reference: " + referenceFile.description(),
              "reward: " + rewardFile.description(),
              placement.description(prompts.size())));
    }
  }

  static <T> T required(Optional<T> value, String key) {
    return value.orElseThrow(
        () -> new InputException(key + " is missing: this problem.kind needs it"));
  }

  private static ProblemTables importBandit(
      Path path, RunConfig config, Placing placing, Arena arena) {
    try (SafetensorsFile file = SafetensorsFile.open(path, arena)) {
      DenseReference referenceRows = DenseReference.of(file);
      DenseRewards rewardRows = DenseRewards.of(file);
      long states = referenceRows.rows();
      int actions = referenceRows.vocabularySize();
      requireColumns(path, rewardRows, referenceRows);
      rewardRows.checkRows(states);
      Optional<Tensor> initial = file.find("initial_logits");
      initial.ifPresent(tensor -> tensor.requireShape(states, actions));
      TablePlacement placement =
          placing.place(
              new TableNeeds(
                  states,
                  states,
                  actions,
                  false,
                  rewardRows.isOneRow(),
                  initial.filter(BanditStorage::copiesInitialLogits).isPresent(),
                  List.of()));
      BanditStorage storage = new BanditStorage(config, placement, arena);
      RowTable reference = storage.reference(referenceRows);
      RowTable rewards = storage.rewards(rewardRows, states);
      RowTable initialLogits = null;
      if (initial.isPresent()) {
        initialLogits = storage.initialLogits(initial.get(), states, actions);
        requireFinite(path, initialLogits);
      }
      return new ProblemTables(
          new PromptBandit(
              reference, rewards, startWeights(file, config.problem().start(), states)),
          initialLogits,
          storage.space(),
          List.of(
              "%d states, %d actions".formatted(states, actions),
              "reference: " + referenceRows.description(),
              "reward: " + rewardRows.description(),
              placement.description(states)));
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

  /**
   * Checks that rewards and reference have the same columns.
   *
   * @throws InputException where they have not
   */
  static void requireColumns(Path path, DenseRewards rewards, DenseReference reference) {
    if (rewards.vocabularySize() != reference.vocabularySize()) {
      throw new InputException(
          "%s: %s does not fit %s: expected %d columns, got %d"
              .formatted(
                  path,
                  rewards.description(),
                  reference.description(),
                  reference.vocabularySize(),
                  rewards.vocabularySize()));
    }
  }

  /**
   * Checks a table's entries.
   *
   * @throws InputException for the first that is not finite
   */
  static void requireFinite(Path path, RowTable table) {
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
