package dev.clipkl.table;

import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** A mapped file whose name is gone before it is used; its disk space ends with its mapping. */
final class UnnamedFile {
  private static final int BUFFER_BYTES = 1 << 20;

  private UnnamedFile() {}

  /**
   * Maps a zeroed file for reading and writing.
   *
   * @throws EnvironmentException if the disk is full or the folder cannot be written to
   */
  static MemorySegment map(Arena arena, Path folder, long bytes) {
    Path name = folder.resolve(".clipkl-table-%s.tmp".formatted(UUID.randomUUID()));
    // On Linux and macOS the name is deleted as soon as the file is open.
    try (FileChannel channel =
        FileChannel.open(
            name,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE,
            StandardOpenOption.DELETE_ON_CLOSE)) {
      requireSpace(folder, bytes);
      writeZeros(channel, bytes);
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
    } catch (IOException e) {
      throw new EnvironmentException(
          String.valueOf(e.getMessage()).contains("No space left")
              ? "disk full: a table of %s in %s".formatted(ByteSize.format(bytes), folder)
              : "cannot keep a table of %s in %s: %s"
                  .formatted(ByteSize.format(bytes), folder, e.getMessage()),
          e);
    }
  }

  private static void requireSpace(Path folder, long bytes) throws IOException {
    long free = Files.getFileStore(folder).getUsableSpace();
    // Some network file systems answer 0 for "unknown": then the write itself will tell.
    if (free > 0 && free < bytes) {
      throw new EnvironmentException(
          "disk full: a table in %s needs %s, %s are free"
              .formatted(folder, ByteSize.format(bytes), ByteSize.format(free)));
    }
  }

  /** A hole in a file would be filled by a write to memory, which cannot report a full disk. */
  private static void writeZeros(FileChannel channel, long bytes) throws IOException {
    ByteBuffer zeros = ByteBuffer.allocateDirect(BUFFER_BYTES);
    for (long left = bytes; left > 0; left -= zeros.position()) {
      zeros.clear().limit((int) Math.min(left, BUFFER_BYTES));
      while (zeros.hasRemaining()) {
        channel.write(zeros);
      }
    }
  }
}
