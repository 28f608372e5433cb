package dev.clipkl.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.List;

/** Runs whole command lines in this process, as {@link Main} would. */
public final class CommandLineProbe {
  private CommandLineProbe() {}

  /** What a command line left behind. */
  public record Outcome(int exitCode, String out, String err) {}

  /** Runs one command line. */
  public static Outcome run(List<String> arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        new CommandRunner(new ResultStream(out), err).run(arguments.toArray(String[]::new));
    return new Outcome(exitCode, out.toString(UTF_8), err.toString(UTF_8));
  }

  /** Runs one command line. */
  public static Outcome run(String... arguments) {
    return run(List.of(arguments));
  }
}
