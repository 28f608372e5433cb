package dev.clipkl.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.clipkl.failure.CheckFailedException;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

class CommandRunnerTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  /** A command that fails as told. */
  @Command(name = "failing")
  static final class Failing implements Callable<Integer> {
    private final Throwable failure;

    @Option(names = "--debug")
    boolean debug;

    Failing(Throwable failure) {
      this.failure = failure;
    }

    @Override
    public Integer call() throws Exception {
      if (failure instanceof Error e) {
        throw e;
      }
      throw (Exception) failure;
    }
  }

  /** A command with a result. */
  @Command(name = "answering")
  static final class Answering implements Runnable {
    @Mixin final ResultOutput output = new ResultOutput();

    /** The result. */
    record Answer(String topToken, double objectiveGap) {}

    @Override
    public void run() {
      output.narration().println("thinking");
      output.print(new Answer("grüße", 0.5), text -> text.println("the answer is grüße"));
    }
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new InputException("x must be > 0, got -1"), 2, "x must be > 0, got -1"),
        Arguments.of(new EnvironmentException("no disk"), 3, "no disk"),
        Arguments.of(new CheckFailedException("gap is 1"), 1, "gap is 1"),
        Arguments.of(
            new InputException("one is bad\n  another too"), 2, "one is bad\nclipkl: another too"),
        Arguments.of(new InterruptedException(), 130, "interrupted"),
        Arguments.of(
            new IOException("No space left on device"),
            3,
            "input or output failed: No space left on device"),
        Arguments.of(
            new NoSuchFileException("a/b"), 3, "input or output failed: NoSuchFileException: a/b"),
        Arguments.of(
            new UncheckedIOException(new NoSuchFileException("a/b")),
            3,
            "input or output failed: NoSuchFileException: a/b"),
        Arguments.of(
            new IllegalStateException("odd"),
            1,
            "internal error: java.lang.IllegalStateException: odd"
                + " (run with --debug for the stack trace)"),
        Arguments.of(
            new StackOverflowError(),
            1,
            "internal error: java.lang.StackOverflowError"
                + " (run with --debug for the stack trace)"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void failureIsOneLineWithItsExitCode(Throwable failure, int exitCode, String line) {
    assertThat(run(new Failing(failure))).isEqualTo(exitCode);
    assertThat(err.toString(UTF_8)).isEqualTo("clipkl: " + line + System.lineSeparator());
    assertThat(out.size()).isZero();
  }

  @Test
  void missingHeapNamesTheOptionThatHelps() {
    assertThat(run(new Failing(new OutOfMemoryError("Java heap space")))).isEqualTo(3);
    assertThat(err.toString(UTF_8))
        .startsWith("clipkl: out of memory: Java heap space")
        .contains("CLIPKL_JAVA_OPTS=-Xmx")
        .hasLineCount(1);
  }

  @Test
  void debugAddsTheStackTraceAndItsCause() {
    Exception failure = new InputException("bad file", new IOException("the cause"));
    assertThat(run(new Failing(failure), "--debug")).isEqualTo(2);
    assertThat(err.toString(UTF_8))
        .startsWith("clipkl: bad file" + System.lineSeparator())
        .contains(
            "at dev.clipkl.cli.CommandRunnerTest", "Caused by: java.io.IOException: the cause");
  }

  @Test
  void unknownOptionNamesTheNearestKnownOne() {
    assertThat(run(new ClipklCommand(), "doctor", "--jsn")).isEqualTo(2);
    assertThat(err.toString(UTF_8))
        .isEqualTo(
            "clipkl: unknown argument '--jsn', did you mean --json?"
                + " (usage: clipkl doctor --help)"
                + System.lineSeparator());
  }

  @Test
  void unknownCommandIsRefused() {
    assertThat(run(new ClipklCommand(), "trian")).isEqualTo(2);
    assertThat(err.toString(UTF_8)).startsWith("clipkl: unknown argument 'trian'").hasLineCount(1);
  }

  @Test
  void missingCommandNamesTheCommands() {
    assertThat(run(new ClipklCommand())).isEqualTo(2);
    assertThat(err.toString(UTF_8)).contains("a command is missing", "doctor").hasLineCount(1);
  }

  @Test
  void versionNamesClipklAndTheJdk() {
    assertThat(run(new ClipklCommand(), "--version")).isZero();
    assertThat(out.toString(UTF_8))
        .containsPattern("^clipkl \\d+\\.\\d+\\.\\d+")
        .contains("JDK " + Runtime.version());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "doctor"})
  void helpListsEveryExitCode(String command) {
    String[] arguments =
        Stream.of(command, "--help").filter(s -> !s.isEmpty()).toArray(String[]::new);
    assertThat(run(new ClipklCommand(), arguments)).isZero();
    assertThat(out.toString(UTF_8)).contains("Exit codes:").containsPattern("\\n  130 ");
  }

  @Test
  void jsonKeepsEverythingElseOffStandardOutput() {
    assertThat(run(new Answering(), "--json")).isZero();
    assertThat(out.toString(UTF_8))
        .isEqualToIgnoringWhitespace("{\"top_token\": \"grüße\", \"objective_gap\": 0.5}");
    assertThat(err.toString(UTF_8)).isEqualTo("thinking" + System.lineSeparator());
  }

  @Test
  void textGoesToStandardOutput() {
    assertThat(run(new Answering())).isZero();
    assertThat(out.toString(UTF_8).lines()).containsExactly("thinking", "the answer is grüße");
    assertThat(err.size()).isZero();
  }

  @Test
  void resultThatCannotBeWrittenIsNotASuccess() {
    assertThat(runInto(brokenWith("No space left on device"))).isEqualTo(3);
    assertThat(err.toString(UTF_8))
        .isEqualTo(
            "clipkl: standard output could not be written: No space left on device"
                + System.lineSeparator());
  }

  @Test
  void readerThatWentAwayIsNoFailure() {
    assertThat(runInto(brokenWith("Broken pipe"))).isZero();
    assertThat(err.size()).isZero();
  }

  private int run(Object root, String... arguments) {
    return new CommandRunner(new ResultStream(out), err, root).run(arguments);
  }

  private int runInto(OutputStream destination) {
    return new CommandRunner(new ResultStream(destination), err, new Answering()).run();
  }

  private OutputStream brokenWith(String reason) {
    err.reset();
    return new OutputStream() {
      @Override
      public void write(int value) throws IOException {
        throw new IOException(reason);
      }
    };
  }
}
