package dev.clipkl.training;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.ContextClasses;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.MemoryBudget.Item;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The problem of a sequence run without its engine and its optimum: what its texts need. */
public final class SequenceProblem implements AutoCloseable {
  private final RunConfig config;
  private final Arena arena;
  private final SequenceTables.OfPrompts loaded;
  private final TokenMdp mdp;

  private SequenceProblem(RunConfig config, Arena arena, SequenceTables.OfPrompts loaded) {
    this.config = config;
    this.arena = arena;
    this.loaded = loaded;
    mdp = (TokenMdp) loaded.tables().problem();
  }

  /**
   * Loads the problem that a run was trained on.
   *
   * @throws InputException when it is of another kind or was imported whole, or an input of the run
   *     is missing, unsound or does not fit the others
   * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice
   */
  @SuppressWarnings("MustBeClosed") // The arena is closed by close(), or here on failure.
  public static SequenceProblem ofRun(RunConfig config) {
    if (config.problem().kind() != ProblemKind.SEQUENCE) {
      throw new InputException(
          "problem.kind is %s: expected a run of kind sequence, whose policy goes on from any token"
              .formatted(config.problem().kind().name().toLowerCase(Locale.ROOT)));
    }
    if (config.problem().importFile().isPresent()) {
      throw new InputException(
          "problem.import %s: expected a run of prompts, whose tokens have texts"
              .formatted(config.problem().importFile().get()));
    }
    Arena arena = Arena.ofShared();
    try {
      SequenceTables tables = new SequenceTables(config, needs -> placement(config, needs), arena);
      return new SequenceProblem(config, arena, tables.ofPrompts());
    } catch (RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /** Of what training needs, texts need reference and rewards. */
  private static TablePlacement placement(RunConfig config, TableNeeds needs) {
    long table =
        RowTable.allocatedBytes(config.problem().storage(), needs.ownRows(), needs.actions());
    List<Item> tables = new ArrayList<>();
    if (!needs.oneReward()) {
      tables.add(new Item("rewards", table));
    }
    return TablePlacement.choose(
        MemoryBudget.parse(config.run().memory()),
        new TablePlacement.Demand(
            needs.ownRows(),
            tables,
            new Item("reference", table),
            needs.canComputeReference(),
            List.of(),
            config.run().threadCount()));
  }

  /**
   * What the rows of a sequence run's policy are, for people: each class and, with a horizon, how
   * many tokens are left; {@code [states]}.
   *
   * @throws InputException as {@link #ofRun}
   */
  public static List<String> rowNames(RunConfig config) {
    RunConfig.Problem problem = config.problem();
    Tokenizer tokenizer =
        Tokenizers.open(ProblemTables.required(problem.tokenizer(), "problem.tokenizer"));
    Path path = ProblemTables.required(problem.reference(), "problem.reference");
    try (ReferenceFile file = ReferenceFile.open(path)) {
      List<String> names = SequenceTables.classes(config, file, tokenizer).names();
      List<String> rows = new ArrayList<>();
      for (int left = problem.contexts().horizon(); left >= 1; left--) {
        for (String name : names) {
          rows.add("%s, %d left".formatted(name, left));
        }
      }
      return rows.isEmpty() ? names : rows;
    }
  }

  /** The process; its fingerprint is the trained policy's. */
  public TokenMdp mdp() {
    return mdp;
  }

  /** The tokens. */
  public Tokenizer tokenizer() {
    return loaded.tokenizer();
  }

  /** The context classes. */
  public ContextClasses classes() {
    return loaded.classes();
  }

  /** The run's prompts. */
  public List<Prompt> prompts() {
    return loaded.prompts();
  }

  /** The class of each prompt's last token, {@code [prompts]}. */
  public int[] startClasses() {
    return loaded.startClasses().clone();
  }

  /** Relative weights of the prompts, without the exploration that training adds. */
  public double[] promptWeights() {
    return ProblemTables.startWeights(loaded.prompts(), config.problem().start());
  }

  /** Frees the tables. */
  @Override
  public void close() {
    arena.close();
  }
}
