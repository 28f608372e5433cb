package dev.clipkl.metrics;

import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;

/** A file that grows record by record; whatever fails names it. */
final class AppendedFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  /**
   * @throws EnvironmentException when it cannot be opened
   */
  AppendedFile(Path path, OpenOption... options) {
    this.path = path;
    try {
      channel = FileChannel.open(path, options);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** For what only one kind of file does. */
  FileChannel channel() {
    return channel;
  }

  /** Appends all of it. */
  void append(ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Forces everything to the disk and returns the file's length. */
  long force() {
    try {
      channel.force(false);
      return channel.position();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  EnvironmentException failure(IOException e) {
    return new EnvironmentException("cannot write %s: %s".formatted(path, e.getMessage()), e);
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }
}
