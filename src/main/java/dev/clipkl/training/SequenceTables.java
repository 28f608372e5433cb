package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.ContextClasses;
import dev.clipkl.language.NGramReference;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.RewardFile;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.MemoryBudget.Item;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A sequence problem's tables: classes and rows of an n-gram model, started in by prompts; or what
 * a {@link SequenceImport} finds.
 */
final class SequenceTables {
  /** One for the policy in training, one for the optimum. */
  private static final long CLASS_TABLES = 2;

  private final RunConfig config;
  private final RunConfig.Contexts contexts;
  private final Function<TableNeeds, TablePlacement> placing;
  private final Arena arena;

  SequenceTables(RunConfig config, Function<TableNeeds, TablePlacement> placing, Arena arena) {
    this.config = config;
    contexts = config.problem().contexts();
    this.placing = placing;
    this.arena = arena;
  }

  /**
   * A problem from prompts, and what its numbers stand for.
   *
   * @param startClasses the class of each prompt's last token
   */
  @SuppressWarnings("ArrayRecordComponent") // Read by one owner, never compared.
  record OfPrompts(
      ProblemTables tables,
      List<Prompt> prompts,
      int[] startClasses,
      Tokenizer tokenizer,
      ContextClasses classes) {}

  /**
   * Loads a problem from prompts.
   *
   * @throws InputException when a file is missing, unsound or does not fit the others
   */
  OfPrompts ofPrompts() {
    List<Prompt> prompts =
        Prompts.read(ProblemTables.required(config.problem().prompts(), "problem.prompts"));
    Tokenizer tokenizer =
        Tokenizers.open(ProblemTables.required(config.problem().tokenizer(), "problem.tokenizer"));
    Path referencePath = ProblemTables.required(config.problem().reference(), "problem.reference");
    Path rewardPath = ProblemTables.required(config.problem().reward(), "problem.reward");
    try (ReferenceFile referenceFile = ReferenceFile.open(referencePath, arena);
        RewardFile rewardFile = RewardFile.open(rewardPath, tokenizer, arena)) {
      ContextClasses classes = classes(config, referenceFile, tokenizer);
      rewardFile.checkRows(contexts.classes());
      TablePlacement placement =
          placing.apply(
              needs(
                  contexts.classes(),
                  tokenizer.vocabularySize(),
                  BanditStorage.canCompute(referenceFile, config),
                  rewardFile.isOneRow(),
                  false));
      BanditStorage storage = new BanditStorage(config, placement, arena);
      RowTable reference = storage.classRows(classes);
      RowTable rewards = rewards(storage, rewardFile, classes.groups());
      int[] startClasses = startClasses(prompts, classes);
      ProblemTables tables =
          tables(
              reference,
              rewards,
              classes.groups(),
              start(startWeights(prompts, startClasses)),
              null,
              storage,
              List.of(
                  classes.description(),
                  "reference: " + referenceFile.description(),
                  "reward: " + rewardFile.description(),
                  "start: %d prompts, and every class at least %.2e"
                      .formatted(prompts.size(), contexts.exploration() / contexts.classes()),
                  placement.description((long) layers() * contexts.classes())));
      return new OfPrompts(tables, prompts, startClasses, tokenizer, classes);
    }
  }

  /** Rows of each class. */
  private int layers() {
    return Math.max(1, contexts.horizon());
  }

  private TableNeeds needs(
      int classes,
      int tokens,
      boolean canComputeReference,
      boolean oneReward,
      boolean copiesInitialLogits) {
    long states = (long) layers() * classes;
    return new TableNeeds(
        states,
        classes,
        tokens,
        canComputeReference,
        oneReward,
        copiesInitialLogits,
        List.of(
            new Item("masses of classes", CLASS_TABLES * states * classes * Double.BYTES),
            new Item(
                "what tokens lead to", CLASS_TABLES * layers() * (long) tokens * Double.BYTES)));
  }

  /**
   * The classes of a problem from prompts.
   *
   * @param referenceFile the one that the configuration names
   * @throws InputException when it is no n-gram model of this vocabulary with enough tokens
   */
  static ContextClasses classes(
      RunConfig config, ReferenceFile referenceFile, Tokenizer tokenizer) {
    if (!(referenceFile instanceof NGramReference model)) {
      throw new InputException(
          "%s: problem.kind sequence needs an n-gram model, whose rows can follow any token, got"
                  .formatted(config.problem().reference().orElseThrow())
              + " one stored row per prompt; give a table of classes as problem.import");
    }
    model.check(List.of(), tokenizer);
    return ContextClasses.of(model.model(), tokenizer, config.problem().contexts().classes());
  }

  /** The class of each prompt's last token, {@code [prompts]}. */
  private int[] startClasses(List<Prompt> prompts, ContextClasses classes) {
    int[] startClasses = new int[prompts.size()];
    for (int i = 0; i < startClasses.length; i++) {
      startClasses[i] = classes.classAfter(prompts.get(i).text());
      if (startClasses[i] == ColumnGroups.NONE) {
        throw new InputException(
            "%s: prompt %d has no last token that a text could go on from"
                .formatted(config.problem().prompts().orElseThrow(), i + 1));
      }
    }
    return startClasses;
  }

  /** The prompts' weights, each on its class, {@code [classes]}. */
  private double[] startWeights(List<Prompt> prompts, int[] startClasses) {
    double[] weights = ProblemTables.startWeights(prompts, config.problem().start());
    double[] ofClass = new double[contexts.classes()];
    for (int i = 0; i < weights.length; i++) {
      ofClass[startClasses[i]] += weights[i];
    }
    return ofClass;
  }

  /**
   * Weights mixed with the explorative floor: {@code u(s) >= exploration / classes}; with a horizon
   * texts start with all their tokens left.
   */
  private double[] start(double[] ofClass) {
    int classes = ofClass.length;
    double total = Arrays.stream(ofClass).sum();
    double[] start = new double[layers() * classes];
    for (int c = 0; c < classes; c++) {
      start[c] =
          (1.0 - contexts.exploration()) * ofClass[c] / total + contexts.exploration() / classes;
    }
    return start;
  }

  /** The rewards of the classes, that of ending a text added. */
  private RowTable rewards(BanditStorage storage, RewardFile file, ColumnGroups classes) {
    if (contexts.endReward() == 0.0) {
      return storage.rewards(file, classes.groups());
    }
    RowTable rewards = storage.ownRewards(file, classes.groups());
    float[] row = new float[rewards.columns()];
    long rows = rewards.isBroadcast() ? 1 : rewards.rows();
    for (long i = 0; i < rows; i++) {
      rewards.readRow(i, row);
      for (int token = 0; token < row.length; token++) {
        if (classes.group(token) == ColumnGroups.NONE) {
          row[token] += (float) contexts.endReward();
        }
      }
      rewards.writeRow(i, row);
    }
    return rewards;
  }

  private ProblemTables tables(
      RowTable reference,
      RowTable rewards,
      ColumnGroups classes,
      double[] start,
      @Nullable RowTable initialLogits,
      BanditStorage storage,
      List<String> description) {
    OptionalInt horizon =
        contexts.horizon() == 0 ? OptionalInt.empty() : OptionalInt.of(contexts.horizon());
    return new ProblemTables(
        new TokenMdp(reference, rewards, classes, start, config.problem().discount(), horizon),
        initialLogits,
        storage.space(),
        description);
  }

  /**
   * Loads a whole problem from a file.
   *
   * @throws InputException when a tensor is missing or unsound, or a class is out of reach
   */
  ProblemTables ofFile(Path path) {
    try (SafetensorsFile file = SafetensorsFile.open(path, arena)) {
      SequenceImport problem = SequenceImport.of(file, config, layers());
      int classes = problem.classes().groups();
      TablePlacement placement =
          placing.apply(
              needs(
                  classes,
                  problem.classes().columns(),
                  false,
                  problem.rewards().isOneRow(),
                  problem.initialLogits().filter(BanditStorage::copiesInitialLogits).isPresent()));
      BanditStorage storage = new BanditStorage(config, placement, arena);
      RowTable reference = storage.reference(problem.reference());
      RowTable rewards = rewards(storage, problem.rewards(), problem.classes());
      RowTable initialLogits = null;
      if (problem.initialLogits().isPresent()) {
        initialLogits =
            storage.initialLogits(
                problem.initialLogits().get(), (long) layers() * classes, reference.columns());
        ProblemTables.requireFinite(path, initialLogits);
      }
      return tables(
          reference,
          rewards,
          problem.classes(),
          start(problem.startWeights()),
          initialLogits,
          storage,
          List.of(
              "%d classes, %d tokens".formatted(classes, reference.columns()),
              "reference: " + problem.reference().description(),
              "reward: " + problem.rewards().description(),
              String.format(
                  Locale.ROOT,
                  "start: every class at least %.2e",
                  contexts.exploration() / classes),
              placement.description((long) layers() * classes)));
    }
  }
}
