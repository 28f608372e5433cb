package dev.clipkl.config;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.ByteSize;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.RowTable.Precision;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoublePredicate;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How the values of configuration keys are read from their texts, and written so that they are read
 * back.
 */
final class ValueTexts {
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?(\\d+(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?");
  private static final Pattern WHOLE_NUMBER = Pattern.compile("[-+]?\\d{1,18}");

  /** What {@link #server} reads. */
  static final String SERVER = "an http or https address without user and password";

  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h)");

  private ValueTexts() {}

  /** Constants by their names in a configuration, in the order of their declaration. */
  static <E extends Enum<E>> Map<String, E> names(E[] values) {
    Map<String, E> names = new LinkedHashMap<>();
    for (E value : values) {
      names.put(name(value), value);
    }
    return names;
  }

  /** Optimizers by name; {@code auto} is none in particular. */
  static Map<String, Optional<OptimizerKind>> optimizers() {
    Map<String, Optional<OptimizerKind>> names = new LinkedHashMap<>();
    names.put("auto", Optional.empty());
    for (OptimizerKind kind : OptimizerKind.values()) {
      names.put(name(kind), Optional.of(kind));
    }
    return names;
  }

  /** Precisions by the names that LLM files use. */
  static Map<String, Precision> storages() {
    Map<String, Precision> names = new LinkedHashMap<>();
    names.put("float32", Precision.FLOAT32);
    names.put("bf16", Precision.BFLOAT16);
    names.put("f16", Precision.FLOAT16);
    return names;
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Reads one of some names.
   *
   * @param type what a value is, for messages
   */
  static <T> ConfigKey.Parser<T> choice(String type, Map<String, T> values) {
    return text -> {
      T value = values.get(text);
      if (value == null) {
        throw new WrongValue(" must be %s, got %s".formatted(type, text));
      }
      return value;
    };
  }

  /** Writes a value by its name. */
  static <T> Function<T, String> writer(Map<String, T> values) {
    return value ->
        values.entrySet().stream()
            .filter(entry -> entry.getValue().equals(value))
            .findFirst()
            .orElseThrow()
            .getKey();
  }

  /**
   * Reads a finite number.
   *
   * @param range what is allowed, for messages
   */
  static ConfigKey.Parser<Double> number(String range, DoublePredicate allowed) {
    return text -> {
      if (!NUMBER.matcher(text).matches()) {
        throw new WrongValue(" must be a number %s, got %s".formatted(range, text));
      }
      double value = Double.parseDouble(text);
      if (!allowed.test(value) || Double.isInfinite(value)) {
        throw new WrongValue(" must be %s, got %s".formatted(range, text));
      }
      return value;
    };
  }

  /**
   * Reads an int of at least {@code least}.
   *
   * @param range the same for messages
   */
  static ConfigKey.Parser<Integer> whole(String range, int least) {
    return text -> {
      if (!WHOLE_NUMBER.matcher(text).matches()) {
        throw new WrongValue(" must be a whole number %s, got %s".formatted(range, text));
      }
      long value = Long.parseLong(text);
      if (value < least) {
        throw new WrongValue(" must be %s, got %s".formatted(range, text));
      }
      if (value > Integer.MAX_VALUE) {
        throw new WrongValue(" must be at most %d, got %s".formatted(Integer.MAX_VALUE, text));
      }
      return (int) value;
    };
  }

  static Path path(String text) throws WrongValue {
    try {
      if (!text.isBlank()) {
        return Path.of(text);
      }
    } catch (InvalidPathException e) {
      throw new WrongValue(" must be a path, got %s (%s)".formatted(text, e.getReason()));
    }
    throw new WrongValue(" must be a path, got an empty text");
  }

  /** The text is not repeated in the error: it may hold a password. */
  static URI server(String text) throws WrongValue {
    try {
      URI uri = new URI(text);
      boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
      if (http && uri.getHost() != null && uri.getUserInfo() == null) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // Said below.
    }
    throw new WrongValue(
        " must be %s, such as http://localhost:5000; a user and a password are taken from the"
                .formatted(SERVER)
            + " environment, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD");
  }

  static Divergence divergence(String text) throws WrongValue {
    try {
      return Divergence.parse(text);
    } catch (IllegalArgumentException e) {
      throw new WrongValue(": " + e.getMessage());
    }
  }

  static String memory(String text) throws WrongValue {
    if (!text.equals(MemoryBudget.AUTO) && ByteSize.parse(text).orElse(0L) == 0L) {
      throw new WrongValue(" must be auto or a size such as 6GB or 512MiB, got " + text);
    }
    return text;
  }

  static Duration duration(String text) throws WrongValue {
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      throw new WrongValue(" must be a duration such as 500ms, 60s, 5m or 1h, got " + text);
    }
    long amount = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(amount);
      case "s" -> Duration.ofSeconds(amount);
      case "m" -> Duration.ofMinutes(amount);
      default -> Duration.ofHours(amount);
    };
  }

  /** In seconds if they say it, and so that {@link #duration} reads it back. */
  static String write(Duration duration) {
    if (duration.toMillisPart() != 0) {
      return duration.toMillis() + "ms";
    }
    long seconds = duration.toSeconds();
    if (seconds < 1_000_000_000) {
      return seconds + "s";
    }
    return seconds % 3600 == 0 ? duration.toHours() + "h" : duration.toMinutes() + "m";
  }
}
