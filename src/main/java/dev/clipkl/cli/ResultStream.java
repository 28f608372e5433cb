package dev.clipkl.cli;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Standard output that remembers its first failed write, since a writer's own error flag hides the
 * reason: a result cut short by a full disk must not end in exit code 0.
 */
final class ResultStream extends FilterOutputStream {
  private @Nullable IOException failure;

  ResultStream(OutputStream destination) {
    super(destination);
  }

  /** The first failure, or null; a reader that went away (a closed pipe) is none. */
  @Nullable IOException failure() {
    return failure == null || "Broken pipe".equals(failure.getMessage()) ? null : failure;
  }

  @Override
  public void write(int value) throws IOException {
    write(new byte[] {(byte) value}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      if (failure == null) {
        failure = e;
      }
      throw e;
    }
  }
}
