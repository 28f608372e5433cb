package dev.clipkl.cli;

import java.io.Console;

/** What the process talks to. */
final class Terminal {
  private Terminal() {}

  /** Whether a person is looking: both standard input and standard output are a terminal. */
  @SuppressWarnings("SystemConsoleNull") // Its annotation still allows null.
  static boolean isInteractive() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }
}
