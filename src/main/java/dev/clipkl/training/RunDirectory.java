package dev.clipkl.training;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.AtomicFile;
import dev.clipkl.table.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The folder of one run, held by one process at a time.
 *
 * <p>{@code config.yaml} is the resolved configuration, {@code run.json} what ran and how it ended,
 * {@code metrics.jsonl} one line per outer iteration, which an event file and {@code metrics.csv}
 * repeat, {@code checkpoint/} the latest checkpoint, {@code policy.safetensors} the final policy.
 */
public final class RunDirectory implements AutoCloseable {
  private static final String LOCK = "run.lock";
  private static final String CONFIGURATION = "config.yaml";

  private final Path path;
  private final FileChannel lockChannel;

  private RunDirectory(Path path, FileChannel lockChannel) {
    this.path = path;
    this.lockChannel = lockChannel;
  }

  /**
   * Starts a run in a folder that is new or empty.
   *
   * @throws InputException if the folder holds anything, cannot be made, or is in use
   */
  public static RunDirectory create(Path path, String configuration) {
    requireNewOrEmpty(path);
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw cannotCreate(path, e);
    }
    RunDirectory directory = lock(path);
    try {
      requireNewOrEmpty(path);
      AtomicFile.writeString(directory.configuration(), configuration);
    } catch (RuntimeException e) {
      directory.close();
      throw e;
    }
    return directory;
  }

  /**
   * Opens a run to continue it.
   *
   * @throws InputException if there is no run, or another process holds it
   */
  public static RunDirectory resume(Path path) {
    if (!Files.isRegularFile(path.resolve(CONFIGURATION))) {
      throw new InputException(
          "--resume: %s holds no run, expected a folder with a config.yaml".formatted(path));
    }
    return lock(path);
  }

  private static RuntimeException cannotCreate(Path path, IOException e) {
    Path existing = path.toAbsolutePath().normalize();
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    return Files.isDirectory(existing)
        ? notWritable("cannot create the folder " + path, e)
        : new InputException("run.out: %s is a file, expected a folder".formatted(existing), e);
  }

  private static RuntimeException notWritable(String what, IOException e) {
    return String.valueOf(e.getMessage()).contains("No space left")
        ? new EnvironmentException("disk full: " + what, e)
        : new InputException("run.out: %s: %s".formatted(what, reason(e)), e);
  }

  @SuppressWarnings("MustBeClosed") // The channel is the run directory's, or closed on failure.
  private static RunDirectory lock(Path path) {
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              path.resolve(LOCK),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      requireLock(path, channel);
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII)),
          0);
      return new RunDirectory(path, channel);
    } catch (IOException e) {
      close(channel);
      throw notWritable("cannot write to the folder " + path, e);
    } catch (RuntimeException e) {
      close(channel);
      throw e;
    }
  }

  private static void requireLock(Path path, FileChannel channel) throws IOException {
    if (tryLock(channel) == null) {
      byte[] holder = new byte[32];
      int length = channel.read(ByteBuffer.wrap(holder), 0);
      throw new InputException(
          "%s is in use by process %s: wait for it, or choose another --out"
              .formatted(
                  path, new String(holder, 0, Math.max(length, 0), StandardCharsets.US_ASCII)));
    }
  }

  private static void close(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // What failed before is what the user needs to know.
    }
  }

  private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static String reason(IOException e) {
    return e.getClass().getSimpleName().replace("Exception", "") + " " + e.getMessage();
  }

  /**
   * Checks that a run may start here, without changing anything.
   *
   * @throws InputException if the folder holds anything
   */
  public static void requireNewOrEmpty(Path path) {
    if (!Files.isDirectory(path)) {
      return;
    }
    try (Stream<Path> entries = Files.list(path)) {
      if (entries.anyMatch(entry -> !isLeftByAttempt(entry))) {
        throw new InputException(
            Files.exists(path.resolve(CONFIGURATION))
                ? "%s already holds a run: continue it with train --resume %s, or choose another --out"
                    .formatted(path, path)
                : "run.out: the folder %s must be new or empty".formatted(path));
      }
    } catch (IOException e) {
      throw new EnvironmentException("cannot read the folder %s: %s".formatted(path, reason(e)), e);
    }
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
          "cannot tell the free space of %s: %s".formatted(existing, reason(e)), e);
    }
  }

  /** What a process leaves that was killed before its run had a configuration. */
  private static boolean isLeftByAttempt(Path entry) {
    String name = String.valueOf(entry.getFileName());
    return name.equals(LOCK) || (name.startsWith("." + CONFIGURATION) && name.endsWith(".tmp"));
  }

  /** The folder. */
  public Path path() {
    return path;
  }

  /** The resolved configuration. */
  public Path configuration() {
    return path.resolve(CONFIGURATION);
  }

  /** What ran, and how it ended. */
  public Path description() {
    return path.resolve("run.json");
  }

  /** One line per outer iteration. */
  public Path metrics() {
    return path.resolve("metrics.jsonl");
  }

  /** The same as a table; may not exist. */
  public Path csv() {
    return path.resolve("metrics.csv");
  }

  /** The run's id on an MLflow server; may not exist. */
  public Path mlflow() {
    return path.resolve("mlflow.id");
  }

  /** The latest checkpoint; may not exist. */
  public Path checkpoint() {
    return path.resolve("checkpoint").resolve("state.safetensors");
  }

  /** The final policy; exists once the run has ended. */
  public Path policy() {
    return path.resolve("policy.safetensors");
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
      throw new EnvironmentException("cannot delete %s: %s".formatted(folder, reason(e)), e);
    }
  }

  @Override
  public void close() {
    try {
      lockChannel.close();
    } catch (IOException e) {
      throw new EnvironmentException("cannot release %s: %s".formatted(path, reason(e)), e);
    }
  }
}
