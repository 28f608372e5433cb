package dev.clipkl.failure;

/** The machine cannot do it (no memory, no disk, a demanded device missing): exit code 3. */
public non-sealed class EnvironmentException extends CommandException {
  /**
   * @param message one line: what, where, expected, got
   */
  public EnvironmentException(String message) {
    super(3, message, null);
  }

  /**
   * @param message one line: what, where, expected, got
   * @param cause shown only with {@code --debug}
   */
  public EnvironmentException(String message, Throwable cause) {
    super(3, message, cause);
  }
}
