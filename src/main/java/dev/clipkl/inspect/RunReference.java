package dev.clipkl.inspect;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.DenseReference;
import dev.clipkl.table.RowTable;
import dev.clipkl.table.SafetensorsFile;
import dev.clipkl.table.Tensor;
import dev.clipkl.training.LogPolicy;
import dev.clipkl.training.ReferenceRows;
import dev.clipkl.training.SequenceProblem;
import java.nio.file.Path;

/** The rows that a run of any kind was regularised towards; several threads may read them. */
public final class RunReference implements AutoCloseable {
  /** Where rows come from. */
  @FunctionalInterface
  private interface Reader {
    void read(long row, double[] destination);
  }

  private final Reader reader;
  private final Runnable release;

  private RunReference(Reader reader, Runnable release) {
    this.reader = reader;
    this.release = release;
  }

  /**
   * Opens the reference of a run.
   *
   * @throws InputException when an input of the run is missing, unsound or does not fit the others
   * @throws dev.clipkl.failure.EnvironmentException when the memory does not suffice
   */
  public static RunReference of(RunConfig config) {
    ProblemKind kind = config.problem().kind();
    if (kind == ProblemKind.BANDIT) {
      ReferenceRows rows = ReferenceRows.ofRun(config);
      return new RunReference(rows::readLogProbs, rows::close);
    }
    if (config.problem().importFile().isPresent()) {
      Path file = config.problem().importFile().get();
      return kind == ProblemKind.MDP ? ofProbabilities(file) : ofClasses(file);
    }
    SequenceProblem problem = SequenceProblem.ofRun(config);
    RowTable table = problem.mdp().reference();
    return new RunReference(
        (row, destination) -> {
          table.readRow(row, destination);
          LogPolicy.normalize(destination);
        },
        problem::close);
  }

  /** A finite MDP's {@code reference}: probabilities, {@code [states, actions]}. */
  private static RunReference ofProbabilities(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      Tensor tensor = file.tensor("reference");
      tensor.requireShape(-1, -1);
      int actions = Math.toIntExact(tensor.shape()[1]);
      return new RunReference(
          (row, destination) -> {
            tensor.readDoubles(row * actions, destination, actions);
            for (int a = 0; a < actions; a++) {
              destination[a] = Math.log(destination[a]);
            }
            LogPolicy.normalize(destination);
          },
          file::close);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** A sequence problem's rows, one per class; with a horizon all layers have the same. */
  private static RunReference ofClasses(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      DenseReference rows = DenseReference.of(file);
      return new RunReference(
          (row, destination) -> rows.readLogProbs(row % rows.rows(), destination), rows::close);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /**
   * Reads one row as log-probabilities, nats.
   *
   * @param destination {@code [actions]}
   */
  public void readLogProbs(long row, double[] destination) {
    reader.read(row, destination);
  }

  @Override
  public void close() {
    release.run();
  }
}
