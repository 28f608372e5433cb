package dev.clipkl.endtoend;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.clipkl.metrics.MetricNames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What tests write for runs, and read of them. */
public final class RunFiles {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final List<String> TIMES =
      List.of(MetricNames.SECONDS, MetricNames.ENTRIES_PER_SECOND);

  private RunFiles() {}

  /** Writes a text and returns its path. */
  public static Path write(Path file, String text) {
    try {
      return Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SHA-256 of a file, hexadecimal. */
  public static String sha256(Path file) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A run's lines of metrics. */
  public static List<JsonNode> metrics(Path runDirectory) {
    try (Stream<String> lines = Files.lines(runDirectory.resolve("metrics.jsonl"))) {
      return lines.map(RunFiles::parse).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A run's lines of metrics without those that tell the time. */
  public static List<JsonNode> timelessMetrics(Path runDirectory) {
    return metrics(runDirectory).stream()
        .<JsonNode>map(line -> line.<ObjectNode>deepCopy().without(TIMES))
        .toList();
  }

  /** A JSON document. */
  public static JsonNode json(Path file) {
    try {
      return parse(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Every file and folder below a folder by name, files with their SHA-256. */
  public static Map<String, String> content(Path folder) {
    try (Stream<Path> paths = Files.walk(folder)) {
      Map<String, String> content = new TreeMap<>();
      paths.forEach(path ->
          content.put(
              folder.relativize(path).toString(),
              Files.isRegularFile(path) ? sha256(path) : "folder"));
      return content;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
