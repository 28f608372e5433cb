package dev.clipkl.training;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.ByteSize;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * The folder of one run, held by one process at a time.
 *
 * <p>{@code config.yaml} is the resolved configuration, {@code run.json} what ran and how it ended,
 * {@code metrics.jsonl} one line per outer iteration, which an event file and {@code metrics.csv}
 * repeat, {@code checkpoint/} the latest checkpoint, {@code policy.safetensors} the final policy.
 */
public final class RunDirectory implements AutoCloseable {
  private static final HeldFolder.Kind KIND =
      new HeldFolder.Kind("config.yaml", "a run", "train --resume");

  private final HeldFolder folder;

  private RunDirectory(HeldFolder folder) {
    this.folder = folder;
  }

  /**
   * Starts a run in a folder that is new or empty.
   *
   * @throws InputException if the folder holds anything, cannot be made, or is in use
   */
  @SuppressWarnings("MustBeClosed") // The folder is the run directory's.
  public static RunDirectory create(Path path, String configuration) {
    return new RunDirectory(HeldFolder.create(path, KIND, configuration));
  }

  /**
   * Opens a run to continue it.
   *
   * @throws InputException if there is no run, or another process holds it
   */
  @SuppressWarnings("MustBeClosed") // The folder is the run directory's.
  public static RunDirectory resume(Path path) {
    return new RunDirectory(HeldFolder.resume(path, KIND));
  }

  /**
   * Checks that a run may start here, without changing anything.
   *
   * @throws InputException if the folder holds anything
   */
  public static void requireNewOrEmpty(Path path) {
    HeldFolder.requireNewOrEmpty(path, KIND);
  }

  /** Whether there is a run in a folder, in whatever state. */
  public static boolean isRun(Path path) {
    return Files.isRegularFile(path.resolve(KIND.configurationName()));
  }

  /**
   * Checks that a run's policy will fit on the disk, before the time is spent that makes it.
   *
   * @param bytes of the policy
   * @throws EnvironmentException when they will not
   */
  static void requireSpace(Path path, long bytes) {
    Path existing = path.toAbsolutePath();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    try {
      FileStore disk = Files.getFileStore(existing);
      // A file system without a size, such as /proc, has its own reasons to refuse.
      if (disk.getTotalSpace() > 0 && disk.getUsableSpace() < bytes) {
        throw new EnvironmentException(
            "disk full: the run in %s needs %s for its policy, %s are free"
                .formatted(path, ByteSize.format(bytes), ByteSize.format(disk.getUsableSpace())));
      }
    } catch (IOException e) {
      throw new EnvironmentException(
          "cannot tell the free space of %s: %s".formatted(existing, HeldFolder.reason(e)), e);
    }
  }

  /** The folder. */
  public Path path() {
    return folder.path();
  }

  /** The resolved configuration. */
  public Path configuration() {
    return path().resolve(KIND.configurationName());
  }

  /** What ran, and how it ended. */
  public Path description() {
    return path().resolve("run.json");
  }

  /** One line per outer iteration. */
  public Path metrics() {
    return path().resolve("metrics.jsonl");
  }

  /** The same as a table; may not exist. */
  public Path csv() {
    return path().resolve("metrics.csv");
  }

  /** The run's id on an MLflow server; may not exist. */
  public Path mlflow() {
    return path().resolve("mlflow.id");
  }

  /** The latest checkpoint; may not exist. */
  public Path checkpoint() {
    return path().resolve("checkpoint").resolve("state.safetensors");
  }

  /** The final policy; exists once the run has ended. */
  public Path policy() {
    return path().resolve("policy.safetensors");
  }

  /**
   * Deletes the checkpoint, and what a killed writer left beside it: a run that has its policy
   * needs none.
   */
  public void deleteCheckpoints() {
    Path folder = checkpoint().resolveSibling("");
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      throw new EnvironmentException(
          "cannot delete %s: %s".formatted(folder, HeldFolder.reason(e)), e);
    }
  }

  @Override
  public void close() {
    folder.close();
  }
}
