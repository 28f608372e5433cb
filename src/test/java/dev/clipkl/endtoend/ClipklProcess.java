package dev.clipkl.endtoend;

import dev.clipkl.driver.CudaDriver;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code clipkl} in a process of its own, with this process's Java, flags and classes. */
public final class ClipklProcess implements AutoCloseable {
  private static final long LONGEST_SECONDS = 120;

  private final Process process;
  private final Path output;

  private ClipklProcess(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /**
   * Starts a command line.
   *
   * @param output takes standard output and standard error
   */
  public static ClipklProcess start(Path output, String... arguments) {
    return start(output, Path.of(""), List.of(), arguments);
  }

  /**
   * Starts a command line.
   *
   * @param output takes standard output and standard error
   * @param folder its working directory
   * @param options of its JVM
   */
  public static ClipklProcess start(
      Path output, Path folder, List<String> options, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(flag -> flag.startsWith("--"))
        .forEach(command::add);
    command.add("-Xmx256m");
    command.add("-Xmn64m");
    command.add("-XX:+UseSerialGC");
    command.add(
        "-D" + CudaDriver.LIBRARY_PROPERTY + "=" + System.getProperty(CudaDriver.LIBRARY_PROPERTY));
    command.addAll(options);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add("dev.clipkl.cli.Main");
    command.addAll(List.of(arguments));
    try {
      return new ClipklProcess(
          new ProcessBuilder(command)
              .directory(folder.toAbsolutePath().toFile())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .redirectInput(new File("/dev/null"))
              .start(),
          output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The process's number. */
  public long pid() {
    return process.pid();
  }

  /** Whether it runs. */
  public boolean isAlive() {
    return process.isAlive();
  }

  /** Sends a signal by its name, {@code KILL} for instance. */
  public void signal(String name) throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(pid())).start().waitFor();
  }

  /** Waits for the end; the exit code. */
  public int waitFor() throws InterruptedException {
    if (!process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException("still running: " + output());
    }
    return process.exitValue();
  }

  /** What it has printed so far. */
  public String output() {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
