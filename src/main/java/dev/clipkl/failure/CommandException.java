package dev.clipkl.failure;

import org.jspecify.annotations.Nullable;

/** Ends a command with an exit code and one line for the user. */
public abstract sealed class CommandException extends RuntimeException
    permits InputException, EnvironmentException, CheckFailedException {
  private final int exitCode;
  private final String message;

  CommandException(int exitCode, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
    this.message = message;
  }

  /** The process exit code that goes with this failure. */
  public int exitCode() {
    return exitCode;
  }

  @Override
  public String getMessage() {
    return message;
  }
}
