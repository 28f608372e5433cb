package dev.clipkl.config;

import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One key of the run configuration: everything there is to say about it, once.
 *
 * @param path its dotted name, for instance {@code objective.lambda}
 * @param type what a value is, with its article: {@code a number}
 * @param range which of them are allowed: {@code > 0}; empty if all
 * @param defaultValue what holds when the key is not given; null if there is no such value
 * @param defaultText the default for people
 * @param form how values are written in a file
 * @param meaning one sentence
 * @param parser reads a value
 * @param writer writes a value so that {@code parser} reads it back
 * @param getter finds the value in a configuration
 */
record ConfigKey<T>(
    String path,
    String type,
    String range,
    @Nullable T defaultValue,
    String defaultText,
    Form form,
    String meaning,
    Parser<T> parser,
    Function<T, String> writer,
    Function<RunConfig, Optional<T>> getter) {

  /** How values stand in a YAML file; a text of several has commas between them. */
  enum Form {
    /** A text, with quotes where it needs them. */
    TEXT,
    /** A number. */
    NUMBER,
    /** A list of texts. */
    TEXTS,
    /** A list of numbers. */
    NUMBERS,
    /** A mapping of other keys to lists of their values; as a text {@code key=v, w; key=v}. */
    LISTS_BY_KEY
  }

  /** Reads a value from its text. */
  @FunctionalInterface
  interface Parser<T> {
    T parse(String text) throws WrongValue;
  }

  /** What a value must be: {@code a number > 0}. */
  String expected() {
    return range.isEmpty() ? type : type + " " + range;
  }

  /** The section before the last dot; empty for a key at the top. */
  String section() {
    return path.substring(0, Math.max(0, path.lastIndexOf('.')));
  }

  /** The name after the last dot. */
  String name() {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** The value's text in {@code config}, if it has one. */
  Optional<String> text(RunConfig config) {
    return getter.apply(config).map(writer);
  }

  /**
   * Checks a value that did not come from a text.
   *
   * @throws IllegalArgumentException if it is out of range
   */
  void require(T value) {
    try {
      parser.parse(writer.apply(value));
    } catch (WrongValue e) {
      throw new IllegalArgumentException(path + e.getMessage(), e);
    }
  }
}
