package dev.clipkl.config;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * How a sweep, several values for each of some keys, is read from a text and written as one: {@code
 * objective.lambda=0.1, 0.2; optimizer.step-rule=safe}.
 */
final class SweepTexts {
  /** Between two keys. */
  static final String SEPARATOR = "; ";

  private static final Pattern KEYS = Pattern.compile(";");

  private SweepTexts() {}

  /** Values by key, as their keys write them, in the order given. */
  static Map<String, List<String>> parse(String text) throws WrongValue {
    Map<String, List<String>> sweep = new LinkedHashMap<>();
    if (text.isBlank()) {
      return sweep;
    }
    for (String part : KEYS.splitAsStream(text).toList()) {
      int equals = part.indexOf('=');
      if (equals < 0) {
        throw new WrongValue(" must give a list of values for every key, got " + part.strip());
      }
      String path = part.substring(0, equals).strip();
      if (sweep.put(path, values(key(path), part.substring(equals + 1))) != null) {
        throw new WrongValue(" must name each key once, got %s twice".formatted(path));
      }
    }
    return Collections.unmodifiableMap(sweep);
  }

  private static ConfigKey<?> key(String path) throws WrongValue {
    ConfigKey<?> key = ConfigReference.find(path);
    if (key == null) {
      throw new WrongValue(
          ": unknown key %s, the nearest known key is %s"
              .formatted(path, ConfigReference.nearest(path)));
    }
    if (!ConfigKeys.SWEEPABLE.contains(key)) {
      throw new WrongValue(
          " takes numbers and choices that change results, and %s is none of them; these are: %s"
              .formatted(
                  path,
                  String.join(", ", ConfigKeys.SWEEPABLE.stream().map(ConfigKey::path).toList())));
    }
    return key;
  }

  private static <T> List<String> values(ConfigKey<T> key, String text) throws WrongValue {
    List<String> values = new ArrayList<>();
    for (String part : ValueTexts.split(text)) {
      String value;
      try {
        value = key.writer().apply(key.parser().parse(part));
      } catch (WrongValue e) {
        throw new WrongValue(": %s%s".formatted(key.path(), e.getMessage()));
      }
      if (values.contains(value)) {
        throw new WrongValue(
            ": %s must name each value once, got %s twice".formatted(key.path(), part));
      }
      values.add(value);
    }
    if (values.isEmpty()) {
      throw new WrongValue(": %s must have at least one value, got none".formatted(key.path()));
    }
    return List.copyOf(values);
  }

  /** What {@link #parse} reads back. */
  static String write(Map<String, List<String>> sweep) {
    return String.join(
        SEPARATOR,
        sweep.entrySet().stream()
            .map(entry -> entry.getKey() + "=" + ValueTexts.join(entry.getValue()))
            .toList());
  }
}
