package dev.clipkl.config;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import dev.clipkl.config.ConfigKey.Form;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * Reads YAML and {@code --set} into a flat map from known keys to the texts given for them. Streams
 * the tokens instead of building Jackson's tree, which would forget the line numbers.
 */
final class ConfigReader {
  private static final YAMLFactory YAML = new YAMLFactory();
  private static final String OVERRIDE = "--set";

  private final String source;
  private final ConfigProblems problems;
  private final Map<String, Setting> settings = new LinkedHashMap<>();

  /** The line on which a key or section first appeared. */
  private final Map<String, Integer> firstLines = new LinkedHashMap<>();

  private ConfigReader(String source, ConfigProblems problems) {
    this.source = source;
    this.problems = problems;
  }

  /**
   * The settings of a YAML text and the overrides, which win; problems are added to {@code
   * problems}.
   *
   * @param source the name of the text for messages
   * @throws InputException if the text is not YAML
   */
  static Map<String, Setting> read(
      String source, String yaml, List<String> overrides, ConfigProblems problems) {
    ConfigReader reader = new ConfigReader(source, problems);
    reader.readYaml(yaml);
    for (String override : overrides) {
      reader.readOverride(override);
    }
    return reader.settings;
  }

  private void readYaml(String yaml) {
    try (YAMLParser parser = YAML.createParser(yaml)) {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.START_OBJECT) {
        readMapping(parser, "");
        token = parser.nextToken();
        if (token != null) {
          problem(line(parser), "expected one YAML document, got a second one");
        }
      } else if (token != null && token != JsonToken.VALUE_NULL) {
        problem(line(parser), "expected a mapping of keys, got " + describe(parser));
      }
    } catch (JsonProcessingException e) {
      throw syntaxError(e);
    } catch (YAMLException | IOException e) {
      throw new InputException("%s: not YAML: %s".formatted(source, firstLine(e)), e);
    }
  }

  private InputException syntaxError(JsonProcessingException e) {
    int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
    String problem = firstLine(e);
    if (e.getCause() instanceof MarkedYAMLException marked && marked.getProblemMark() != null) {
      line = marked.getProblemMark().getLine() + 1;
      problem = marked.getProblem();
    }
    String where = line > 0 ? "%s line %d".formatted(source, line) : source;
    return new InputException("%s: not YAML: %s".formatted(where, problem), e);
  }

  private static String firstLine(Exception e) {
    String message =
        e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.getMessage();
    return message == null ? "" : message.lines().findFirst().orElse("");
  }

  /** Reads what is inside the section {@code section}; empty for the top. */
  private void readMapping(YAMLParser parser, String section) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      int line = line(parser);
      parser.nextToken();
      String path = section.isEmpty() ? name : section + "." + name;
      Integer first = firstLines.putIfAbsent(path, line);
      if (first != null) {
        problem(line, "duplicate key %s, given before on line %d".formatted(path, first));
        parser.skipChildren();
      } else if (!name.contains(".") && ConfigReference.isSection(path)) {
        readSection(parser, path, line);
      } else {
        readValue(parser, path, name, line);
      }
    }
  }

  private void readSection(YAMLParser parser, String path, int line) throws IOException {
    if (parser.currentToken() == JsonToken.START_OBJECT) {
      readMapping(parser, path);
    } else if (parser.currentToken() != JsonToken.VALUE_NULL) {
      problem(line, "%s must be a mapping of keys, got %s".formatted(path, describe(parser)));
      parser.skipChildren();
    }
  }

  private void readValue(YAMLParser parser, String path, String name, int line) throws IOException {
    ConfigKey<?> key = ConfigReference.find(path);
    if (key == null || name.contains(".")) {
      String hint =
          key == null
              ? unknown(path)
              : "%s must be written as %s inside %s".formatted(path, key.name(), key.section());
      problem(line, hint);
      parser.skipChildren();
    } else if (parser.currentToken() == JsonToken.START_ARRAY && isList(key)) {
      putText(path, readList(parser, path), line);
    } else if (parser.currentToken() == JsonToken.START_OBJECT && key.form() == Form.LISTS_BY_KEY) {
      putText(path, readLists(parser, path), line);
    } else if (parser.isCurrentAlias() || !parser.currentToken().isScalarValue()) {
      settings.put(path, new Setting(null, describe(parser), line, where(line)));
      parser.skipChildren();
    } else {
      boolean isNull = parser.currentToken() == JsonToken.VALUE_NULL;
      settings.put(path, new Setting(isNull ? null : parser.getText(), null, line, where(line)));
    }
  }

  /** What could not be read has been reported already. */
  private void putText(String path, @Nullable String text, int line) {
    if (text != null) {
      settings.put(path, new Setting(text, null, line, where(line)));
    }
  }

  private static boolean isList(ConfigKey<?> key) {
    return key.form() == Form.TEXTS || key.form() == Form.NUMBERS;
  }

  /** The texts of a list of scalars with commas between them; null where it is none. */
  private @Nullable String readList(YAMLParser parser, String path) throws IOException {
    List<String> texts = new ArrayList<>();
    boolean sound = true;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.isCurrentAlias()
          || !parser.currentToken().isScalarValue()
          || parser.currentToken() == JsonToken.VALUE_NULL) {
        problem(
            line(parser),
            "%s must be a list of single values, got %s in it".formatted(path, describe(parser)));
        parser.skipChildren();
        sound = false;
      } else {
        texts.add(parser.getText());
      }
    }
    return sound ? ValueTexts.join(texts) : null;
  }

  /** A mapping of keys to lists as {@link SweepTexts} has it; null where it is none. */
  private @Nullable String readLists(YAMLParser parser, String path) throws IOException {
    Map<String, List<String>> lists = new LinkedHashMap<>();
    boolean sound = true;
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      int line = line(parser);
      parser.nextToken();
      String text = null;
      if (parser.currentToken() == JsonToken.START_ARRAY) {
        text = readList(parser, path + "." + name);
      } else if (!parser.isCurrentAlias()
          && parser.currentToken().isScalarValue()
          && parser.currentToken() != JsonToken.VALUE_NULL) {
        text = parser.getText();
      } else {
        problem(
            line,
            "%s: %s must be a list of values, got %s".formatted(path, name, describe(parser)));
        parser.skipChildren();
      }
      if (lists.put(name, List.of(text == null ? "" : text)) != null) {
        problem(line, "duplicate key %s in %s".formatted(name, path));
      }
      sound &= text != null;
    }
    return sound ? SweepTexts.write(lists) : null;
  }

  private void readOverride(String override) {
    int equals = override.indexOf('=');
    if (equals < 0) {
      problems.add(
          ConfigProblems.NO_LINE, OVERRIDE, "expected path=value, got %s".formatted(override));
      return;
    }
    String path = override.substring(0, equals).strip();
    if (ConfigReference.find(path) == null) {
      String message =
          ConfigReference.isSection(path)
              ? "%s is a section: set one of its keys".formatted(path)
              : unknown(path);
      problems.add(ConfigProblems.NO_LINE, OVERRIDE, message);
      return;
    }
    String value = override.substring(equals + 1).strip();
    settings.put(path, new Setting(unquote(path, value), null, ConfigProblems.NO_LINE, OVERRIDE));
  }

  /** A quoted value by YAML's rules, any other as it stands; nothing and {@code null} as null. */
  private @Nullable String unquote(String path, String value) {
    if (value.isEmpty() || value.equals("null")) {
      return null;
    }
    if (value.charAt(0) != '"' && value.charAt(0) != '\'') {
      return value;
    }
    try (YAMLParser parser = YAML.createParser(value)) {
      if (parser.nextToken() == JsonToken.VALUE_STRING) {
        String text = parser.getText();
        if (parser.nextToken() == null) {
          return text;
        }
      }
    } catch (YAMLException | IOException e) {
      // Reported below like any other text that is not one quoted value.
    }
    problems.add(
        ConfigProblems.NO_LINE,
        OVERRIDE,
        "%s: the quotes of %s do not enclose one value".formatted(path, value));
    return value;
  }

  private static String unknown(String path) {
    return "unknown key %s, the nearest known key is %s"
        .formatted(path, ConfigReference.nearest(path));
  }

  private static String describe(YAMLParser parser) throws IOException {
    if (parser.isCurrentAlias()) {
      return "the alias *" + parser.getText();
    }
    return switch (parser.currentToken()) {
      case START_OBJECT -> "a mapping";
      case START_ARRAY -> "a list";
      case VALUE_NULL -> "nothing";
      default -> parser.getText();
    };
  }

  private void problem(int line, String message) {
    problems.add(line, where(line), message);
  }

  private String where(int line) {
    return "%s line %d".formatted(source, line);
  }

  private static int line(JsonParser parser) {
    return parser.currentTokenLocation().getLineNr();
  }
}
