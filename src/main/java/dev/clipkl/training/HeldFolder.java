package dev.clipkl.training;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A command's folder, which one process holds at a time. A configuration file in it says that it is
 * one.
 */
public final class HeldFolder implements AutoCloseable {
  private static final String LOCK = "run.lock";

  /**
   * What a folder is for.
   *
   * @param configurationName of the file that makes it one
   * @param content what it then holds, with its article: {@code a run}
   * @param resumeCommand what continues it: {@code train --resume}
   */
  public record Kind(String configurationName, String content, String resumeCommand) {}

  private final Path path;
  private final FileChannel lockChannel;

  private HeldFolder(Path path, FileChannel lockChannel) {
    this.path = path;
    this.lockChannel = lockChannel;
  }

  /**
   * Starts in a folder that is new or empty.
   *
   * @throws InputException if the folder holds anything, cannot be made, or is in use
   */
  public static HeldFolder create(Path path, Kind kind, String configuration) {
    requireNewOrEmpty(path, kind);
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw cannotCreate(path, e);
    }
    HeldFolder folder = lock(path);
    try {
      requireNewOrEmpty(path, kind);
      AtomicFile.writeString(path.resolve(kind.configurationName), configuration);
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
    return folder;
  }

  /**
   * Opens a folder to continue in it.
   *
   * @throws InputException if there is nothing to continue, or another process holds it
   */
  public static HeldFolder resume(Path path, Kind kind) {
    if (!Files.isRegularFile(path.resolve(kind.configurationName))) {
      throw new InputException(
          "--resume: %s holds no %s, expected a folder with a %s"
              .formatted(
                  path,
                  kind.content.substring(kind.content.indexOf(' ') + 1),
                  kind.configurationName));
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
  private static HeldFolder lock(Path path) {
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
      return new HeldFolder(path, channel);
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

  static String reason(IOException e) {
    return e.getClass().getSimpleName().replace("Exception", "") + " " + e.getMessage();
  }

  /**
   * Checks that one may start here, without changing anything.
   *
   * @throws InputException if the folder holds anything
   */
  public static void requireNewOrEmpty(Path path, Kind kind) {
    if (!Files.isDirectory(path)) {
      return;
    }
    try (Stream<Path> entries = Files.list(path)) {
      if (entries.anyMatch(entry -> !isLeftByAttempt(entry, kind))) {
        throw new InputException(
            Files.exists(path.resolve(kind.configurationName))
                ? "%s already holds %s: continue it with %s %s, or choose another --out"
                    .formatted(path, kind.content, kind.resumeCommand, path)
                : "run.out: the folder %s must be new or empty; choose another with --out"
                    .formatted(path));
      }
    } catch (IOException e) {
      throw new EnvironmentException("cannot read the folder %s: %s".formatted(path, reason(e)), e);
    }
  }

  /** What a process leaves that was killed before its folder had a configuration. */
  private static boolean isLeftByAttempt(Path entry, Kind kind) {
    String name = String.valueOf(entry.getFileName());
    return name.equals(LOCK)
        || (name.startsWith("." + kind.configurationName) && name.endsWith(".tmp"));
  }

  /** The folder. */
  public Path path() {
    return path;
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
