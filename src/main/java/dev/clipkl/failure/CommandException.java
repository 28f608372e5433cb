package dev.clipkl.failure;

import org.jspecify.annotations.Nullable;

/** Ends a command with an exit code and one line for the user. */
public abstract sealed class CommandException extends RuntimeException
    permits InputException, EnvironmentException, CheckFailedException {
  private final int exitCode;

  CommandException(int exitCode, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** The process exit code that goes with this failure. */
  public int exitCode() {
    return exitCode;
  }
}
