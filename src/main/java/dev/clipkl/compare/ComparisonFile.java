package dev.clipkl.compare;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Path;

/** {@code comparison.json}. */
public final class ComparisonFile {
  /** The file's name in a comparison's folder. */
  public static final String NAME = "comparison.json";

  private static final JsonMapper JSON =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private ComparisonFile() {}

  /**
   * Reads a comparison.
   *
   * @throws InputException when the file is no comparison
   */
  public static Comparison read(Path file) {
    try {
      return JSON.readValue(file.toFile(), Comparison.class);
    } catch (JsonProcessingException e) {
      throw new InputException("%s: %s".formatted(file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new EnvironmentException("cannot read %s: %s".formatted(file, e.getMessage()), e);
    }
  }
}
