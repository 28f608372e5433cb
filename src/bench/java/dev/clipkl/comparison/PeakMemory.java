package dev.clipkl.comparison;

import dev.clipkl.failure.EnvironmentException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The most resident memory that a process of its own has had: Linux's VmHWM, the JVM, its heap and
 * native libraries included.
 *
 * @param bytes the peak
 * @param tableBytes what the three tables take: logits, reference and rewards
 */
record PeakMemory(
    ContenderKind contender, String divergence, int chunk, long bytes, long tableBytes) {
  private static final Path STATUS = Path.of("/proc/self/status");

  /** This process's peak so far. */
  static long ofThisProcess() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith("VmHWM:"))
          .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
          .findFirst()
          .orElseThrow(() -> new EnvironmentException("no line VmHWM in " + STATUS));
    } catch (IOException e) {
      throw new EnvironmentException(
          "peak memory is read from %s, which only Linux has: %s".formatted(STATUS, e), e);
    }
  }
}
