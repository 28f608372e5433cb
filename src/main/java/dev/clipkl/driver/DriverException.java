package dev.clipkl.driver;

import dev.clipkl.failure.EnvironmentException;

/** A function of the driver has failed: its name, and the driver's name and words for the error. */
public final class DriverException extends EnvironmentException {
  private static final int OUT_OF_MEMORY = 2;

  private final int status;

  DriverException(String function, int status, String name, String words) {
    super("the NVIDIA driver: %s: %s (%s)".formatted(function, name, words));
    this.status = status;
  }

  /**
   * @param log what the driver's compiler had to say
   */
  DriverException(DriverException cause, String log) {
    super("%s: %s".formatted(cause.getMessage(), log), cause);
    status = cause.status;
  }

  /** Whether the device, or the host's page-locked memory, is full. */
  public boolean isOutOfMemory() {
    return status == OUT_OF_MEMORY;
  }
}
