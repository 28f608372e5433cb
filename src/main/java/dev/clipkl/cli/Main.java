package dev.clipkl.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;

/** The process: runs one command line and exits with its code. */
public final class Main {
  private Main() {}

  /**
   * Runs a command and exits with 0 (done), 1 (a check failed), 2 (bad usage or input), 3
   * (environment) or 130 (interrupted).
   */
  public static void main(String[] arguments) {
    StandardError.restore();
    // The process's own streams are used because System.out encodes by locale, and JSON is UTF-8.
    System.exit(
        new CommandRunner(
                new ResultStream(new FileOutputStream(FileDescriptor.out)),
                new FileOutputStream(FileDescriptor.err))
            .run(arguments));
  }
}
