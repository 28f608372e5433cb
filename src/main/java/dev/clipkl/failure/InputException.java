package dev.clipkl.failure;

/** Bad usage or bad input: exit code 2. */
public final class InputException extends CommandException {
  /**
   * @param message one line: what, where, expected, got
   */
  public InputException(String message) {
    super(2, message, null);
  }

  /**
   * @param message one line: what, where, expected, got
   * @param cause shown only with {@code --debug}
   */
  public InputException(String message, Throwable cause) {
    super(2, message, cause);
  }
}
