package dev.clipkl.language;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.failure.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** One JSON object per line; each failure names the file and the line. */
final class JsonLines {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** One line of the file: where it is, and its object. */
  record Line(Path path, int number, ObjectNode object) {
    /** A string that must be there and hold something other than white space. */
    String requiredText(String key) {
      JsonNode value = object.path(key);
      if (value.isMissingNode()) {
        throw failure("\"%s\" is missing".formatted(key));
      }
      if (!value.isTextual()) {
        throw failure("\"%s\" must be a string, got %s".formatted(key, OneLine.of("" + value)));
      }
      if (value.textValue().isBlank()) {
        throw failure("\"%s\" is empty".formatted(key));
      }
      return value.textValue();
    }

    InputException failure(String what) {
      return new InputException("%s, line %d: %s".formatted(path, number, what));
    }
  }

  private JsonLines() {}

  /**
   * Reads all objects; blank lines are skipped.
   *
   * @throws InputException for an unreadable or empty file, for a line that is no JSON object and
   *     for a key that isn't known
   */
  static List<Line> read(Path path, Set<String> knownKeys) {
    List<Line> lines = new ArrayList<>();
    String[] texts = TextFiles.readUtf8(path).split("\\R", -1);
    for (int i = 0; i < texts.length; i++) {
      if (!texts[i].isBlank()) {
        lines.add(line(path, i + 1, texts[i], knownKeys));
      }
    }
    if (lines.isEmpty()) {
      throw new InputException(
          "%s: empty; expected one JSON object with %s per line"
              .formatted(path, quoted(knownKeys)));
    }
    return lines;
  }

  private static Line line(Path path, int number, String text, Set<String> knownKeys) {
    String where = "%s, line %d: ".formatted(path, number);
    try {
      if (!(JSON.readTree(text) instanceof ObjectNode object)) {
        throw new InputException(where + "expected a JSON object, got " + OneLine.of(text));
      }
      for (var entry : object.properties()) {
        if (!knownKeys.contains(entry.getKey())) {
          throw new InputException(
              "%sunknown key \"%s\"; known: %s"
                  .formatted(where, OneLine.of(entry.getKey()), quoted(knownKeys)));
        }
      }
      return new Line(path, number, object);
    } catch (JsonProcessingException e) {
      throw new InputException(where + "not JSON: " + OneLine.of(e), e);
    }
  }

  private static String quoted(Set<String> keys) {
    return "\"" + String.join("\", \"", new TreeSet<>(keys)) + "\"";
  }
}
