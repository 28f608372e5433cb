package dev.clipkl.training;

import dev.clipkl.config.EngineChoice;
import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.Problem;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.function.Consumer;

/** A configured problem's tables, the engine that works on them, and threads. */
public final class LoadedProblem implements AutoCloseable {
  private final EngineSelection selection;
  private final Arena arena;
  private final ProblemTables tables;

  /** For what rows have in common, where they meet. */
  private final RowThreads threads;

  private LoadedProblem(
      EngineSelection selection, Arena arena, ProblemTables tables, RowThreads threads) {
    this.selection = selection;
    this.arena = arena;
    this.tables = tables;
    this.threads = threads;
  }

  /**
   * Opens the engine and reads the problem.
   *
   * @param notes takes a line each about the engine and the tables
   * @throws dev.clipkl.failure.CommandException when an input is wrong or the machine cannot do it
   */
  @SuppressWarnings("MustBeClosed") // All are the problem's, or closed on failure.
  public static LoadedProblem open(RunConfig config, Consumer<String> notes) {
    EngineSelection selection = openEngine(config);
    Arena arena = Arena.ofShared();
    OptimizerKind optimizer = config.optimizer().kindFor(config.objective().divergence());
    try (WarmUp _ = WarmUp.begin(selection.engine(), LoadedRun.program(config, optimizer))) {
      ProblemTables tables =
          ProblemTables.load(
              config,
              selection,
              optimizer,
              arena,
              () ->
                  notes.accept(
                      "engine: %s (%s)"
                          .formatted(selection.engine().description(), selection.reason())));
      tables.description().forEach(notes);
      return new LoadedProblem(
          selection, arena, tables, new RowThreads(config.run().threadCount()));
    } catch (RuntimeException | Error e) {
      arena.close();
      selection.close();
      throw e;
    }
  }

  private static EngineSelection openEngine(RunConfig config) {
    int threads = config.run().threadCount();
    if (config.problem().kind() == ProblemKind.MDP && config.run().engine() == EngineChoice.AUTO) {
      return EngineSelection.automaticForMdp(threads);
    }
    return EngineSelection.open(config.run().engine(), threads);
  }

  /** The engine. */
  public Engine engine() {
    return selection.engine();
  }

  /** Why it is this engine. */
  public String engineReason() {
    return selection.reason();
  }

  /** The problem. */
  public Problem problem() {
    return tables.problem();
  }

  /** Where the tables came from, one line each. */
  public List<String> description() {
    return tables.description();
  }

  /** Threads that visit rows. */
  public RowThreads threads() {
    return threads;
  }

  /** The problem with where its policies' tables belong. */
  ProblemTables tables() {
    return tables;
  }

  /** Owns the tables. */
  Arena arena() {
    return arena;
  }

  @Override
  public void close() {
    // The engine's threads read the tables.
    selection.close();
    threads.close();
    arena.close();
  }
}
