package dev.clipkl.table;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A file that appears complete or not at all.
 *
 * <p>Bytes go to a temporary sibling ({@code .NAME.*.tmp}); {@link #commit} flushes it to the disk
 * and renames it over the target. Whatever fails before that, the old file stays as it was and the
 * temporary file is deleted. A process killed while writing leaves its temporary file behind; the
 * next writer of the same target recognises it by its released lock and deletes it.
 *
 * <p>Not for use by several threads at once. Interrupting the writing thread fails the write.
 */
public final class AtomicFile implements AutoCloseable {
  private static final String TEMPORARY_SUFFIX = ".tmp";

  /** Temporary files this process is writing: its own file locks do not show them as taken. */
  private static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

  private final Path target;
  private final Path temporary;
  private final FileChannel channel;
  private long written;
  private boolean closed;

  private AtomicFile(Path target, Path temporary, FileChannel channel) {
    this.target = target;
    this.temporary = temporary;
    this.channel = channel;
  }

  /** Replaces {@code target} by a file of these bytes. See {@link #open} for what may fail. */
  public static void writeBytes(Path target, byte[] bytes) {
    try (AtomicFile file = open(target)) {
      file.write(ByteBuffer.wrap(bytes));
      file.commit();
    }
  }

  /** Replaces {@code target} by a file of this text in UTF-8. See {@link #open}. */
  public static void writeString(Path target, String text) {
    writeBytes(target, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Starts a new version of {@code target}; nothing is visible there until {@link #commit}.
   *
   * @throws InputException if the target's folder is missing, not a folder or not writable, or the
   *     target is something other than a regular file
   * @throws EnvironmentException if the temporary file cannot be made for another reason
   */
  public static AtomicFile open(Path target) {
    Path absolute = target.toAbsolutePath().normalize();
    Path folder = absolute.getParent();
    Path fileName = absolute.getFileName();
    if (folder == null || fileName == null) {
      throw new InputException(
          "cannot write %s: it is a folder, expected a file".formatted(target));
    }
    checkTarget(target, folder);
    deleteAbandoned(folder, fileName);
    while (true) {
      byte[] suffix = new byte[8];
      ThreadLocalRandom.current().nextBytes(suffix);
      String unique = HexFormat.of().formatHex(suffix);
      Path temporary = folder.resolve("." + fileName + "." + unique + TEMPORARY_SUFFIX);
      OPEN.add(temporary);
      try {
        FileChannel channel =
            FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        if (locked(channel) && Files.exists(temporary)) {
          return new AtomicFile(target, temporary, channel);
        }
        // Another process took the new, not yet locked file for an abandoned one: try again.
        channel.close();
      } catch (FileAlreadyExistsException e) {
        // 64 random bits met an existing name: draw again.
      } catch (IOException e) {
        OPEN.remove(temporary);
        throw unwritableFolder(target, folder, e);
      }
      OPEN.remove(temporary);
    }
  }

  /** Writes to {@code temporary}, which exists, instead of a fresh sibling of the target. */
  static AtomicFile openThrough(Path target, Path temporary) throws IOException {
    return new AtomicFile(target, temporary, FileChannel.open(temporary, StandardOpenOption.WRITE));
  }

  private static void checkTarget(Path target, Path folder) {
    if (Files.exists(target, LinkOption.NOFOLLOW_LINKS) && !Files.isRegularFile(target)) {
      String kind = Files.isDirectory(target) ? "a folder" : "not a regular file";
      throw new InputException(
          "cannot write %s: it is %s, expected a file".formatted(target, kind));
    }
    if (!Files.exists(folder)) {
      throw new InputException(
          "cannot write %s: its folder %s does not exist".formatted(target, folder));
    }
    if (!Files.isDirectory(folder)) {
      throw new InputException("cannot write %s: %s is not a folder".formatted(target, folder));
    }
  }

  private static RuntimeException unwritableFolder(Path target, Path folder, IOException e) {
    if (isDiskFull(e)) {
      return diskFull(target, 0, e);
    }
    String reason = e instanceof AccessDeniedException ? "permission denied" : reason(e);
    return new InputException(
        "cannot write %s: its folder %s is not writable (%s)".formatted(target, folder, reason), e);
  }

  private static boolean locked(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (IOException e) {
      // A file system without locks: nobody can mistake the file for abandoned either.
      return true;
    }
  }

  private static void deleteAbandoned(Path folder, Path fileName) {
    String prefix = "." + fileName + ".";
    int length = prefix.length() + 16 + TEMPORARY_SUFFIX.length();
    DirectoryStream.Filter<Path> ours =
        path -> {
          String name = String.valueOf(path.getFileName());
          return name.length() == length
              && name.startsWith(prefix)
              && name.endsWith(TEMPORARY_SUFFIX);
        };
    try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(folder, ours)) {
      for (Path leftover : leftovers) {
        if (!OPEN.contains(leftover)) {
          deleteIfAbandoned(leftover);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Tidying up only: a folder that cannot be listed may still be written to.
    }
  }

  private static void deleteIfAbandoned(Path leftover) {
    try (FileChannel channel = FileChannel.open(leftover, StandardOpenOption.WRITE)) {
      if (channel.tryLock() != null) {
        Files.deleteIfExists(leftover);
      }
    } catch (IOException | OverlappingFileLockException e) {
      // In use, gone already or not ours to delete: leave it.
    }
  }

  /** The file that {@link #commit} replaces. */
  public Path target() {
    return target;
  }

  /**
   * Refuses before the first byte when the disk has too little room for {@code bytes}.
   *
   * @throws EnvironmentException naming the file, the bytes needed and the bytes free
   */
  public void requireSpace(long bytes) {
    try {
      long free = Files.getFileStore(temporary).getUsableSpace();
      // Some network file systems answer 0 for "unknown": then the write itself will tell.
      if (free > 0 && free < bytes) {
        throw diskFull(target, bytes, null);
      }
    } catch (IOException e) {
      // Unknown free space: the write itself will tell.
    }
  }

  /**
   * Appends everything that remains in {@code bytes}.
   *
   * @throws EnvironmentException if the disk is full or fails
   */
  public void write(ByteBuffer bytes) {
    long needed = written + bytes.remaining();
    try {
      while (bytes.hasRemaining()) {
        written += channel.write(bytes);
      }
    } catch (IOException e) {
      throw failed(needed, e);
    }
  }

  /**
   * A stream that appends to this file, unbuffered. Closing the stream neither commits nor
   * discards; its failures are {@link EnvironmentException}s.
   */
  public OutputStream outputStream() {
    return new OutputStream() {
      @Override
      public void write(int b) {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] bytes, int offset, int length) {
        AtomicFile.this.write(ByteBuffer.wrap(bytes, offset, length));
      }
    };
  }

  /**
   * Flushes the bytes to the disk and puts them in the target's place.
   *
   * @throws EnvironmentException if the disk is full or fails; the old file is still there
   * @throws IllegalStateException if the file is closed
   */
  public void commit() {
    if (closed) {
      throw new IllegalStateException("%s is committed or closed already".formatted(target));
    }
    try {
      channel.force(true);
      Path absolute = target.toAbsolutePath().normalize();
      Files.move(temporary, absolute, StandardCopyOption.ATOMIC_MOVE);
      closed = true;
      OPEN.remove(temporary);
      channel.close();
      forceFolder(absolute);
    } catch (IOException e) {
      throw failed(written, e);
    }
  }

  /** Discards the new version unless it was committed. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      // Deleted before the lock is released, so that nobody else finds it abandoned meanwhile;
      // systems that refuse to delete an open file get a second chance afterwards.
      boolean deleted = tryDelete();
      channel.close();
      if (!deleted) {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      // The next writer of the same target deletes it.
    } finally {
      OPEN.remove(temporary);
    }
  }

  private boolean tryDelete() {
    try {
      Files.deleteIfExists(temporary);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static void forceFolder(Path absolute) {
    Path folder = absolute.getParent();
    if (folder == null) {
      return;
    }
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Not every system opens folders; the rename is atomic there all the same.
    }
  }

  private RuntimeException failed(long needed, IOException e) {
    return isDiskFull(e)
        ? diskFull(target, needed, e)
        : new EnvironmentException("cannot write %s: %s".formatted(target, reason(e)), e);
  }

  private static EnvironmentException diskFull(
      Path target, long needed, @Nullable IOException cause) {
    String message =
        "disk full: writing %s needs at least %s, %s free"
            .formatted(target, bytes(Math.max(needed, 1)), freeSpace(target));
    return cause == null
        ? new EnvironmentException(message)
        : new EnvironmentException(message, cause);
  }

  private static String freeSpace(Path target) {
    Path folder = target.toAbsolutePath().normalize().getParent();
    if (folder == null) {
      return "an unknown number of bytes";
    }
    try {
      return bytes(Files.getFileStore(folder).getUsableSpace()) + " are";
    } catch (IOException e) {
      return "an unknown number of bytes";
    }
  }

  private static String bytes(long bytes) {
    return String.format(Locale.ROOT, "%,d bytes (%s)", bytes, ByteSize.format(bytes));
  }

  private static boolean isDiskFull(IOException e) {
    String reason = reason(e).toLowerCase(Locale.ROOT);
    return reason.contains("no space left")
        || reason.contains("quota exceeded")
        || reason.contains("not enough space");
  }

  private static String reason(IOException e) {
    String message = e.getMessage();
    if (e instanceof FileSystemException failure && failure.getReason() != null) {
      return failure.getReason();
    }
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }
}
