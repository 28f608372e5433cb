package dev.clipkl;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/** Golden numbers, computed once with 17 digits by independent means. */
public final class Golden {
  private static final JsonNode ROOT = read();

  private Golden() {}

  private static JsonNode read() {
    try (InputStream in = Golden.class.getResourceAsStream("/golden.json")) {
      return new ObjectMapper().readTree(Objects.requireNonNull(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One case, for instance {@code G1.rkl}. */
  public static JsonNode of(String name) {
    return Objects.requireNonNull(ROOT.get(name), name);
  }

  /** A row of numbers. */
  public static double[] row(JsonNode array) {
    double[] row = new double[array.size()];
    for (int i = 0; i < row.length; i++) {
      row[i] = array.get(i).doubleValue();
    }
    return row;
  }
}
