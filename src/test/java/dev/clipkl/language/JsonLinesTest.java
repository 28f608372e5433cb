package dev.clipkl.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.clipkl.failure.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JsonLinesTest {
  @TempDir private Path folder;

  private Path file(String content) throws IOException {
    return Files.writeString(folder.resolve("lines.jsonl"), content);
  }

  @Test
  void promptsKeepOrderAndWeightsAreNormalised() throws IOException {
    var prompts =
        Prompts.read(file("\uFEFF{\"prompt\":\"b \"}\r\n\n{\"weight\":3,\"prompt\":\"a\"}\n"));
    assertThat(prompts).containsExactly(new Prompt("b ", 1), new Prompt("a", 3));
    assertThat(Prompts.startWeights(prompts)).containsExactly(new double[] {.25, .75}, within(0.0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      value = {
        "'{\"prompt\": ' ~ line 2: not JSON",
        "'[1]' ~ line 2: expected a JSON object, got [1]",
        "'{\"prompt\":\"x\"} {}' ~ line 2: not JSON",
        "'{\"weight\":1}' ~ line 2: \"prompt\" is missing",
        "'{\"prompt\":null}' ~ line 2: \"prompt\" must be a string, got null",
        "'{\"prompt\":\"  \"}' ~ line 2: \"prompt\" is empty",
        "'{\"prompt\":\"x\",\"prompt\":\"y\"}' ~ line 2: not JSON: Duplicate",
        "'{\"prompt\":\"x\",\"wieght\":1}' ~ line 2: unknown key \"wieght\"; known: \"prompt\", \"weight\"",
        "'{\"prompt\":\"x\",\"weight\":-1}' ~ line 2: \"weight\" must be a finite number >= 0, got -1",
        "'{\"prompt\":\"x\",\"weight\":\"2\"}' ~ line 2: \"weight\" must be a finite number",
        "'{\"prompt\":\"x\",\"weight\":1e999}' ~ line 2: \"weight\" must be a finite number",
        "'{\"prompt\":\"x\",\"weight\":NaN}' ~ line 2: not JSON"
      })
  void badPromptIsRefusedWithItsLine(String line, String message) throws IOException {
    Path file = file("{\"prompt\":\"fine\"}\n" + line + "\n");
    assertThatThrownBy(() -> Prompts.read(file))
        .isInstanceOf(InputException.class)
        .hasMessageStartingWith(file + ", ")
        .hasMessageContaining(message)
        .message()
        .hasLineCount(1);
  }

  @Test
  void emptyMissingAndMalformedFilesAreRefused() throws IOException {
    Path empty = file("\n \n");
    assertThatThrownBy(() -> Prompts.read(empty)).hasMessageContaining("empty; expected one JSON");
    Path missing = folder.resolve("missing.jsonl");
    assertThatThrownBy(() -> Prompts.read(missing))
        .isInstanceOf(InputException.class)
        .hasMessage(missing + ": no such file");
    Path malformed = folder.resolve("malformed");
    Files.write(malformed, new byte[] {'a', (byte) 0xC3, 'b'});
    assertThatThrownBy(() -> Prompts.read(malformed))
        .hasMessageContaining("malformed byte 0xC3 at byte 1");
    Path truncated = folder.resolve("truncated");
    Files.write(truncated, new byte[] {'a', 'b', (byte) 0xC3});
    assertThatThrownBy(() -> Prompts.read(truncated)).hasMessageContaining("0xC3 at byte 2");
    Path zero = file("{\"prompt\":\"x\",\"weight\":0}");
    assertThatThrownBy(() -> Prompts.read(zero)).hasMessageContaining("finite sum > 0");
  }

  @Test
  void preferencePairsAreReadAndBadOnesRefusedWithTheirLine() throws IOException {
    Path good = file("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"r\"}");
    assertThat(Preferences.read(good)).containsExactly(new PreferencePair("p", "c", "r"));
    Path missing = file("\n{\"prompt\":\"p\",\"chosen\":\"c\"}");
    assertThatThrownBy(() -> Preferences.read(missing))
        .hasMessageContaining("line 2: \"rejected\" is missing");
    Path same = file("{\"prompt\":\"p\",\"chosen\":\"c\",\"rejected\":\"c\"}");
    assertThatThrownBy(() -> Preferences.read(same))
        .hasMessageContaining("line 1: \"chosen\" and \"rejected\" are the same");
    Path noPrompt = file("{\"prompt\":null,\"chosen\":\"c\",\"rejected\":\"r\"}");
    assertThatThrownBy(() -> Preferences.read(noPrompt))
        .hasMessageContaining("line 1: \"prompt\" must be a string, got null");
  }
}
