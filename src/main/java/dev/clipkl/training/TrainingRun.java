package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.metrics.MetricSink;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
    PhaseClock clock = new PhaseClock();
    RunDirectory.requireNewOrEmpty(config.run().out());
    try (LoadedRun run = LoadedRun.open(config, listener::note, clock)) {
      RunDirectory.requireSpace(config.run().out(), run.policyBytes());
      try (RunDirectory directory =
          RunDirectory.create(config.run().out(), fromAnywhere(config).toYaml())) {
        return train(run, directory, listener);
      }
    }
  }

  /** A run is resumed, certified and exported from any working directory. */
  private static RunConfig fromAnywhere(RunConfig config) {
    return config.withPaths(Path::toAbsolutePath, Tokenizers::absolute);
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
    PhaseClock clock = new PhaseClock();
    try (RunDirectory directory = RunDirectory.resume(path)) {
      if (Files.exists(directory.policy())) {
        // Whatever killed the run came after its result: only the tidying up may be left to do.
        RunDescription.markFinished(directory.description());
        directory.deleteCheckpoints();
        return Optional.empty();
      }
      // The folder may have been moved since.
      RunConfig config = RunConfig.read(directory.configuration(), List.of()).withOut(path);
      try (LoadedRun run = LoadedRun.open(config, listener::note, clock)) {
        return Optional.of(train(run, directory, listener));
      }
    }
  }

  private static TrainingResult train(
      LoadedRun run, RunDirectory directory, TrainingListener listener) {
    RunConfig config = run.config();
    RowProgram program = run.program();
    String fingerprint = run.problem().fingerprint();
    ActorState actor = run.coupling().block().actor();
    PhaseClock clock = run.clock();
    Checkpoint checkpoint =
        clock.during(
            Phase.CHECKPOINTS,
            () -> Checkpoint.read(directory.checkpoint(), actor, program, fingerprint));
    clock.add(checkpoint.spent());
    if (!checkpoint.isStart()) {
      listener.note("resumed after outer iteration " + checkpoint.outerIteration());
    }
    List<String> warnings = new ArrayList<>(run.warnings());
    warnings.forEach(warning -> listener.note("warning: " + warning));
    RunDescription description =
        new RunDescription(directory.description(), run, checkpoint.outerIteration());
    clock.during(Phase.WRITING, description::write);
    try (RunMetrics metrics =
            clock.during(
                Phase.WRITING,
                () ->
                    new RunMetrics(directory, config.run(), checkpoint.metricsBytes(), listener));
        Tracking tracking = Tracking.start(run, directory)) {
      Checkpoints checkpoints =
          new Checkpoints(
              directory.checkpoint(),
              metrics,
              program,
              fingerprint,
              config.run().checkpointEvery(),
              clock,
              listener);
      RunWarnings watch = new RunWarnings(program, config.mode());
      Trainer trainer = trainer(run, watch.andThen(metrics), checkpoints);
      TrainingResult trained = trainer.run(checkpoint);
      if (trained.reason() == StopReason.INTERRUPTED) {
        checkpoints.write(trained.progress());
      } else {
        clock.during(
            Phase.WRITING,
            () -> {
              metrics.forceAll();
              PolicyFile.write(
                  directory.policy(),
                  actor.logits(),
                  program,
                  trained.progress().outerIteration(),
                  fingerprint);
            });
      }
      List<String> late = new ArrayList<>(watch.after());
      RunWarnings.stalled(run, trained).ifPresent(late::add);
      clock.during(Phase.WRITING, () -> tracking.finish(trained)).ifPresent(late::add);
      for (String warning : late) {
        warnings.add(warning);
        listener.note("warning: " + warning);
      }
      TrainingResult result = trained.withSpent(clock.seconds());
      description.finish(result, warnings);
      if (result.reason() != StopReason.INTERRUPTED) {
        directory.deleteCheckpoints();
      }
      return result;
    }
  }

  /**
   * Trains without a run directory, from where the actor stands.
   *
   * @return outer iterations done
   */
  public static int trainInMemory(LoadedRun run, TrainingListener listener) {
    return trainer(run, metrics -> {}, listener).run(Checkpoint.START).progress().outerIteration();
  }

  private static Trainer trainer(LoadedRun run, MetricSink sink, TrainingListener listener) {
    RunConfig.Optimizer optimizer = run.config().optimizer();
    return new Trainer(
        run,
        new TrainingLimits(
            optimizer.outerIterations(),
            optimizer.tolerance(),
            optimizer.maxSeconds().orElse(Double.POSITIVE_INFINITY)),
        sink,
        listener);
  }
}
