package dev.clipkl.training;

import dev.clipkl.metrics.mlflow.MlflowFollower;
import dev.clipkl.metrics.mlflow.TrackedRun;
import java.util.Map;
import java.util.Optional;

/** The tracking server that a run is sent to, if its configuration names one. */
final class Tracking implements AutoCloseable {
  private final Optional<MlflowFollower> mlflow;

  private Tracking(Optional<MlflowFollower> mlflow) {
    this.mlflow = mlflow;
  }

  /** Starts to follow {@code metrics.jsonl}, which exists. */
  static Tracking start(LoadedRun run, RunDirectory directory) {
    return new Tracking(
        run.config()
            .run()
            .trackers()
            .mlflow()
            .map(uri ->
                MlflowFollower.start(
                    uri,
                    new TrackedRun(
                        directory.path().toAbsolutePath().normalize().toFile().getName(),
                        run.config().values(),
                        Map.of(
                            "clipkl.version", RunDescription.version(),
                            "clipkl.engine", run.engine().description(),
                            "clipkl.problem_fingerprint", run.problem().fingerprint()),
                        directory.metrics(),
                        directory.mlflow()),
                    System.getenv())));
  }

  /** Tells how the run has ended; a warning when not everything has arrived. */
  Optional<String> finish(TrainingResult result) {
    return mlflow.flatMap(follower ->
        follower.finish(
            result.reason() == StopReason.INTERRUPTED,
            Map.of("clipkl.stop_reason", result.reason().sentence())));
  }

  @Override
  public void close() {
    // A method reference would load the classes of MLflow even where no server is named.
    if (mlflow.isPresent()) {
      mlflow.get().close();
    }
  }
}
