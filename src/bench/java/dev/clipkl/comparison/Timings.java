package dev.clipkl.comparison;

import dev.clipkl.bench.Spread;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one process has measured: one vocabulary, one divergence.
 *
 * @param columns V
 * @param rows N
 * @param memory seconds per entry of a bare sweep, 4 reads and 1 write
 * @param warmUpRounds rounds before those that were measured
 */
record Timings(
    int columns, int rows, String divergence, Spread memory, int warmUpRounds, List<Line> lines) {

  /**
   * One contender at one K.
   *
   * @param chunk rows taken through all inner steps together; 0 where it does not apply
   * @param seconds per entry and accepted inner step
   * @param agreement with the oracle; null where the steps are not the constant ones
   */
  record Line(
      ContenderKind contender,
      int innerSteps,
      int chunk,
      Spread seconds,
      double acceptedSteps,
      @Nullable Agreement agreement) {}

  /** The line of a contender. */
  Line line(ContenderKind contender, int innerSteps) {
    return lines.stream()
        .filter(line -> line.contender() == contender && line.innerSteps() == innerSteps)
        .findFirst()
        .orElseThrow();
  }
}
