package dev.clipkl.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.clipkl.failure.CommandException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Runs one command line; every failure becomes one line on standard error and an exit code. */
final class CommandRunner {
  static final int DONE = 0;
  static final int CHECK_FAILED = 1;
  static final int BAD_INPUT = 2;
  static final int ENVIRONMENT = 3;
  static final int INTERRUPTED = 130;

  private final ResultStream results;
  private final PrintWriter out;
  private final PrintWriter err;
  private final Object root;

  CommandRunner(ResultStream results, OutputStream errors) {
    this(results, errors, new ClipklCommand());
  }

  CommandRunner(ResultStream results, OutputStream errors, Object root) {
    this.results = results;
    this.out = new PrintWriter(new OutputStreamWriter(results, UTF_8));
    this.err = new PrintWriter(new OutputStreamWriter(errors, UTF_8), true);
    this.root = root;
  }

  int run(String... arguments) {
    boolean debug = Arrays.asList(arguments).contains("--debug");
    int exitCode;
    try {
      exitCode = commandLine(debug).execute(arguments);
    } catch (Throwable thrown) {
      exitCode = fail(thrown, debug);
    }
    out.flush();
    err.flush();
    IOException unwritten = results.failure();
    if (unwritten != null && exitCode == DONE) {
      err.println("clipkl: standard output could not be written: " + unwritten.getMessage());
      exitCode = ENVIRONMENT;
    }
    return exitCode;
  }

  private CommandLine commandLine(boolean debug) {
    return new CommandLine(root)
        .setOut(out)
        .setErr(err)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler((e, arguments) -> usageError(e))
        // A handler that throws would make picocli print the stack trace itself.
        .setExecutionExceptionHandler((e, command, parsed) -> fail(e, debug));
  }

  private int usageError(ParameterException e) {
    StringBuilder line = new StringBuilder("clipkl: ");
    if (e instanceof UnmatchedArgumentException unmatched) {
      line.append("unknown argument '").append(unmatched.getUnmatched().getFirst()).append('\'');
      List<String> near = unmatched.getSuggestions();
      if (!near.isEmpty()) {
        line.append(", did you mean ").append(String.join(" or ", near)).append('?');
      }
    } else {
      String message = oneLine(e.getMessage());
      line.append(message.substring(0, 1).toLowerCase(Locale.ROOT)).append(message.substring(1));
    }
    String command = e.getCommandLine().getCommandSpec().qualifiedName();
    err.println(line.append(" (usage: ").append(command).append(" --help)"));
    return BAD_INPUT;
  }

  private int fail(Throwable thrown, boolean debug) {
    int exitCode;
    String message;
    switch (thrown) {
      case CommandException e -> {
        exitCode = e.exitCode();
        // Several problems at once are one line each.
        message = e.getMessage().strip().replaceAll("\\s*\\R\\s*", "\nclipkl: ");
      }
      case InterruptedException _ -> {
        exitCode = INTERRUPTED;
        message = "interrupted";
      }
      case OutOfMemoryError e -> {
        exitCode = ENVIRONMENT;
        message =
            String.format(
                Locale.ROOT,
                "out of memory: %s (the heap may grow to %d MiB; allow more with"
                    + " CLIPKL_JAVA_OPTS=-Xmx4g or make the problem smaller)",
                oneLine(e.getMessage()),
                Runtime.getRuntime().maxMemory() >> 20);
      }
      case IOException e -> {
        exitCode = ENVIRONMENT;
        message = "input or output failed: " + describe(e);
      }
      case UncheckedIOException e -> {
        exitCode = ENVIRONMENT;
        IOException cause = e.getCause();
        message =
            "input or output failed: "
                + (cause == null ? oneLine(e.getMessage()) : describe(cause));
      }
      default -> {
        exitCode = CHECK_FAILED;
        message =
            "internal error: "
                + oneLine(thrown.toString())
                + (debug ? "" : " (run with --debug for the stack trace)");
      }
    }
    err.println("clipkl: " + message);
    if (debug) {
      thrown.printStackTrace(err);
    }
    return exitCode;
  }

  /** A file system exception's message is often the bare path; its class then is the reason. */
  private static String describe(IOException e) {
    boolean bare = e instanceof FileSystemException f && f.getReason() == null;
    return bare
        ? e.getClass().getSimpleName() + ": " + oneLine(e.getMessage())
        : oneLine(e.getMessage());
  }

  private static String oneLine(@Nullable String text) {
    return text == null ? "no further detail" : text.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
