package dev.clipkl.config;

import dev.clipkl.failure.InputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What is wrong with a configuration: collected, and reported all at once. */
final class ConfigProblems {
  /** The line of a problem that lies in no line of the file; such problems come last. */
  static final int NO_LINE = Integer.MAX_VALUE;

  private record Problem(int line, String message) {}

  private final List<Problem> problems = new ArrayList<>();

  /** Adds a problem, {@code where} in parentheses after it. */
  void add(int line, String where, String message) {
    // A value quoted in the message may span lines; a problem is one line.
    String oneLine = message.replaceAll("\\R", " ");
    problems.add(new Problem(line, "%s (%s)".formatted(oneLine, where)));
  }

  /**
   * Ends the reading if there was any problem.
   *
   * @throws InputException with one line per problem, in the order of the file
   */
  void throwIfAny() {
    if (!problems.isEmpty()) {
      List<String> lines =
          problems.stream()
              .sorted(Comparator.comparingInt(Problem::line))
              .map(Problem::message)
              .toList();
      throw new InputException(String.join("\n", lines));
    }
  }
}
