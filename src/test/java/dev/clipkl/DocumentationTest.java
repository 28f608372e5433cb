package dev.clipkl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.clipkl.config.ConfigReference;
import dev.clipkl.config.RunConfig;
import dev.clipkl.metrics.MetricNames;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the documents say about keys, metrics and examples is what the code has. */
class DocumentationTest {
  private static final Path GLOSSARY = Path.of("GLOSSARY.md");
  private static final Path CONFIGURATION = Path.of("docs/configuration.md");

  @Test
  void configurationPageIsWhatTheCodeSays() throws IOException {
    assertThat(CONFIGURATION).hasContent(ConfigReference.markdown());
  }

  /** A document's text from one heading to another. */
  private static String section(Path document, String heading, String next) throws IOException {
    String text = Files.readString(document);
    return text.substring(text.indexOf(heading), text.indexOf(next));
  }

  @Test
  void glossaryDefinesEveryMetricOnceAndNoOther() throws IOException {
    List<String> expected =
        Arrays.stream(MetricNames.class.getFields())
            .filter(field -> Modifier.isStatic(field.getModifiers()))
            .map(DocumentationTest::constant)
            .toList();
    String metrics = section(GLOSSARY, "## Metrics", "### The same in other programs");
    List<String> defined =
        Pattern.compile("^\\| `([a-z]+/[a-z_]+)` \\|", Pattern.MULTILINE)
            .matcher(metrics)
            .results()
            .map((MatchResult row) -> row.group(1))
            .toList();
    assertThat(defined).containsExactlyInAnyOrderElementsOf(expected);
  }

  private static String constant(Field field) {
    try {
      return String.valueOf(field.get(null));
    } catch (IllegalAccessException e) {
      throw new AssertionError(field + " is not public", e);
    }
  }

  static Stream<Path> examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("examples"))) {
      return files.sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("examples")
  void exampleIsAValidConfigurationAndSaysWhatItIsFor(Path example) throws IOException {
    assertThatCode(() -> RunConfig.read(example, List.of())).doesNotThrowAnyException();
    assertThat(Files.readString(example)).startsWith("# ");
  }

  static Stream<Path> documents() throws IOException {
    try (Stream<Path> top = Files.list(Path.of(""));
        Stream<Path> pages = Files.walk(Path.of("docs"))) {
      return Stream.concat(top, pages)
          .filter(file -> file.toString().endsWith(".md"))
          .sorted()
          .toList()
          .stream();
    }
  }

  @ParameterizedTest
  @MethodSource("documents")
  void linksBetweenDocumentsLeadToFiles(Path document) throws IOException {
    Pattern.compile("\\]\\((?!https?:|#)([^)#]+)")
        .matcher(Files.readString(document))
        .results()
        .map((MatchResult link) -> document.resolveSibling(link.group(1)))
        .forEach(target -> assertThat(target).as("link in %s", document).exists());
  }
}
