package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.metrics.JsonLinesSink;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.MetricSink;
import dev.clipkl.objective.ClippedSurrogate;
import dev.clipkl.problem.PromptBandit;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * One run from configuration to policy on disk, with checkpoints on the way.
 *
 * <p>A run that is killed at any moment and resumed ends with the same bits as one that is not: a
 * checkpoint is always that of a block's end, and nothing that is computed depends on time or on
 * the number of threads.
 */
public final class TrainingRun {
  private TrainingRun() {}

  /**
   * Starts a run in a new folder, {@code config.run().out()}.
   *
   * @throws dev.clipkl.failure.CommandException when an input is wrong or the machine cannot do it;
   *     when it is an input, nothing has been written
   */
  public static TrainingResult start(RunConfig config, TrainingListener listener) {
    RunDirectory.requireNewOrEmpty(config.run().out());
    try (EngineSelection selection =
            EngineSelection.open(config.run().engine(), config.run().threadCount());
        Arena arena = Arena.ofShared()) {
      ProblemTables tables = load(config, selection, listener, arena);
      RunDirectory.requireSpace(config.run().out(), policyBytes(selection, tables));
      try (RunDirectory directory = RunDirectory.create(config.run().out(), config.toYaml())) {
        return train(config, directory, selection, tables, listener, arena);
      }
    }
  }

  /**
   * The configuration of the run in a folder.
   *
   * @throws dev.clipkl.failure.InputException when the folder holds no run
   */
  public static RunConfig configuration(Path path) {
    try (RunDirectory directory = RunDirectory.resume(path)) {
      return RunConfig.read(directory.configuration(), List.of());
    }
  }

  /**
   * Continues an interrupted run from its latest checkpoint, or from its beginning when it had
   * none.
   *
   * @return empty when the run has already ended
   * @throws dev.clipkl.failure.InputException when the folder holds no run, another process holds
   *     it, or its inputs have changed
   */
  public static Optional<TrainingResult> resume(Path path, TrainingListener listener) {
    try (RunDirectory directory = RunDirectory.resume(path)) {
      if (Files.exists(directory.policy())) {
        // Whatever killed the run came after its result: only the tidying up may be left to do.
        RunDescription.markFinished(directory.description());
        directory.deleteCheckpoints();
        return Optional.empty();
      }
      RunConfig config = RunConfig.read(directory.configuration(), List.of());
      try (EngineSelection selection =
              EngineSelection.open(config.run().engine(), config.run().threadCount());
          Arena arena = Arena.ofShared()) {
        ProblemTables tables = load(config, selection, listener, arena);
        return Optional.of(train(config, directory, selection, tables, listener, arena));
      }
    }
  }

  private static ProblemTables load(
      RunConfig config, EngineSelection selection, TrainingListener listener, Arena arena) {
    listener.note(
        "engine: %s (%s)".formatted(selection.engine().description(), selection.reason()));
    ProblemTables tables =
        ProblemTables.load(
            config,
            selection.engine(),
            config.optimizer().kindFor(config.objective().divergence()),
            arena);
    tables.description().forEach(listener::note);
    return tables;
  }

  private static long policyBytes(EngineSelection selection, ProblemTables tables) {
    return RowTable.allocatedBytes(
        selection.engine().kind().precision(),
        tables.problem().states(),
        tables.problem().actions());
  }

  private static RowProgram program(RunConfig config) {
    RunConfig.Optimizer optimizer = config.optimizer();
    return new RowProgram(
        config.objective().divergence(),
        config.objective().lambda(),
        ClippedSurrogate.of(config.objective().clipEpsilon()),
        optimizer.kindFor(config.objective().divergence()),
        optimizer.stepRule(),
        optimizer.stepSize(),
        optimizer.innerSteps(),
        optimizer.tolerance());
  }

  private static TrainingResult train(
      RunConfig config,
      RunDirectory directory,
      EngineSelection selection,
      ProblemTables tables,
      TrainingListener listener,
      Arena arena) {
    PromptBandit problem = tables.problem();
    RowProgram program = program(config);
    RowOptimum[] optima =
        RowOptima.solve(
            selection.engine(),
            program.divergence(),
            program.lambda(),
            problem.reference(),
            problem.rewards());
    ActorState actor =
        ActorState.allocate(
            arena,
            selection.engine().kind().precision(),
            problem.states(),
            problem.actions(),
            program.optimizer());
    initialize(actor.logits(), tables);
    Checkpoint checkpoint =
        Checkpoint.read(directory.checkpoint(), actor, program, problem.fingerprint());
    if (!checkpoint.isStart()) {
      listener.note("resumed after outer iteration " + checkpoint.outerIteration());
    }
    RunDescription description =
        new RunDescription(
            directory.description(), selection, tables, program, checkpoint.outerIteration());
    description.write();
    try (JsonLinesSink lines = new JsonLinesSink(directory.metrics(), checkpoint.metricsBytes())) {
      Checkpoints checkpoints =
          new Checkpoints(
              directory.checkpoint(),
              lines,
              program,
              problem.fingerprint(),
              config.run().checkpointEvery(),
              listener);
      Trainer trainer =
          new Trainer(
              problem,
              selection.engine(),
              program,
              rowWeights(config, problem),
              optima,
              actor,
              new TrainingLimits(
                  config.optimizer().outerIterations(),
                  config.optimizer().tolerance(),
                  config.optimizer().maxSeconds().orElse(Double.POSITIVE_INFINITY)),
              thinned(lines, config.run().metricsEvery()),
              checkpoints);
      TrainingResult result = trainer.run(checkpoint);
      if (result.reason() == StopReason.INTERRUPTED) {
        checkpoints.write(result.progress());
      } else {
        lines.force();
        PolicyFile.write(
            directory.policy(),
            actor.logits(),
            program,
            result.progress().outerIteration(),
            problem.fingerprint());
      }
      description.finish(result);
      if (result.reason() != StopReason.INTERRUPTED) {
        directory.deleteCheckpoints();
      }
      return result;
    }
  }

  private static void initialize(RowTable logits, ProblemTables tables) {
    RowTable source =
        tables.initialLogits() == null ? tables.problem().reference() : tables.initialLogits();
    double[] row = new double[logits.columns()];
    for (long i = 0; i < logits.rows(); i++) {
      source.readRow(i, row);
      logits.writeRow(i, row);
    }
  }

  /** In the bandit the visitation is the start distribution (THEORY 0.5, gamma = 0). */
  private static double[] rowWeights(RunConfig config, PromptBandit problem) {
    double[] weights = problem.startDistribution();
    if (config.optimizer().weights() == WeightKind.ROW) {
      Arrays.fill(weights, 1.0);
    }
    return weights;
  }

  private static MetricSink thinned(MetricSink sink, int every) {
    return (MetricRecord metrics) -> {
      if (metrics.outerIteration() % every == 0) {
        sink.write(metrics);
      }
    };
  }
}
