package dev.clipkl.failure;

/** A check or a claim failed: exit code 1. */
public final class CheckFailedException extends CommandException {
  /**
   * @param message one line: what, where, expected, got
   */
  public CheckFailedException(String message) {
    super(1, message, null);
  }

  /**
   * @param message one line: what, where, expected, got
   * @param cause shown only with {@code --debug}
   */
  public CheckFailedException(String message, Throwable cause) {
    super(1, message, cause);
  }
}
