package dev.clipkl.compare;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.FiniteNumber;
import dev.clipkl.table.AtomicFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** {@code comparison.json}: a {@link Comparison} on disk. NaN and infinity are null there. */
public final class ComparisonFile {
  /** The file's name in a comparison's folder. */
  public static final String NAME = "comparison.json";

  /** The format that this version writes. */
  public static final int FORMAT_VERSION = 1;

  /** Records in snake_case; a null where a number is expected is NaN. */
  static final JsonMapper MAPPER =
      JsonMapper.builder()
          .addModule(
              FiniteNumber.module()
                  .addDeserializer(Double.class, new NumberOrNaN())
                  .addDeserializer(double.class, new NumberOrNaN()))
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  private ComparisonFile() {}

  /** Writes a comparison, atomically. */
  public static void write(Path file, Comparison comparison) {
    AtomicFile.writeString(file, text(comparison));
  }

  /** Any record as an indented JSON document. */
  static String text(Object document) {
    try {
      return MAPPER.writer(SerializationFeature.INDENT_OUTPUT).writeValueAsString(document) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("records of plain values can be written", e);
    }
  }

  /**
   * Reads a comparison.
   *
   * @throws InputException when the file is missing or no comparison of this format
   */
  public static Comparison read(Path file) {
    Comparison comparison = read(file, Comparison.class, "a comparison");
    if (comparison.formatVersion() != FORMAT_VERSION) {
      throw new InputException(
          "%s: expected format_version %d, got %d"
              .formatted(file, FORMAT_VERSION, comparison.formatVersion()));
    }
    return comparison;
  }

  /**
   * Reads any record.
   *
   * @param what it is, with its article
   * @throws InputException when the file is missing or holds something else
   */
  static <T> T read(Path file, Class<T> type, String what) {
    try {
      T read = MAPPER.readValue(Files.readString(file), type);
      if (read != null) {
        return read;
      }
      throw new InputException("%s: expected %s, got null".formatted(file, what));
    } catch (NoSuchFileException e) {
      throw new InputException("%s: no such file, expected %s".formatted(file, what), e);
    } catch (JsonProcessingException e) {
      throw new InputException(
          "%s: expected %s, got %s"
              .formatted(file, what, e.getOriginalMessage().replaceAll("\\R.*", "")),
          e);
    } catch (IOException e) {
      throw new InputException("%s: cannot be read: %s".formatted(file, e.getMessage()), e);
    }
  }

  private static final class NumberOrNaN extends StdDeserializer<Double> {
    private static final long serialVersionUID = 1;

    NumberOrNaN() {
      super(Double.class);
    }

    @Override
    public Double deserialize(JsonParser parser, DeserializationContext context)
        throws IOException {
      return parser.getDoubleValue();
    }

    @Override
    public Double getNullValue(DeserializationContext context) {
      return Double.NaN;
    }
  }
}
