package dev.clipkl.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.table.SafetensorsWriter;
import dev.clipkl.table.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Runs command lines in a folder with a vocabulary of {@link #VOCABULARY_SIZE} words. */
final class CommandLineFixture {
  static final int VOCABULARY_SIZE = 6;

  private final Path folder;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  CommandLineFixture(Path folder) {
    this.folder = folder;
  }

  int run(Object... arguments) {
    out.reset();
    err.reset();
    String[] words = List.of(arguments).stream().map(Object::toString).toArray(String[]::new);
    return new CommandRunner(new ResultStream(out), err).run(words);
  }

  /** Standard output of the latest run. */
  String out() {
    return out.toString(UTF_8);
  }

  /** Standard error of the latest run. */
  String err() {
    return err.toString(UTF_8);
  }

  JsonNode json() throws IOException {
    return new JsonMapper().readTree(out());
  }

  /** Runs a command that must fail with exit code 2 and exactly this line. */
  void refuses(String line, Object... arguments) {
    assertThat(run(arguments)).as(err()).isEqualTo(2);
    assertThat(err()).isEqualTo("clipkl: " + line + System.lineSeparator());
    assertThat(out()).isEmpty();
  }

  Path path(String name) {
    return folder.resolve(name);
  }

  Path file(String name, String text) throws IOException {
    return Files.writeString(path(name), text);
  }

  /** Ids: 0 {@code <unk>}, 1 kind, 2 rude, 3 calm, 4 {@code </s>}, 5 {@code say,"x"}. */
  Path tokenizer() throws IOException {
    return file(
        "words.json",
        """
        {"version":"1.0","truncation":null,"padding":null,"normalizer":null,"post_processor":null,
         "added_tokens":[{"id":4,"content":"</s>","single_word":false,"lstrip":false,
           "rstrip":false,"normalized":false,"special":true}],
         "pre_tokenizer":{"type":"WhitespaceSplit"},"decoder":null,
         "model":{"type":"WordLevel","unk_token":"<unk>",
           "vocab":{"<unk>":0,"kind":1,"rude":2,"calm":3,"</s>":4,"say,\\"x\\"":5}}}
        """);
  }

  Path matrix(String name, String tensor, double[] values, long rows, Map<String, String> metadata)
      throws IOException {
    var declaration =
        new SafetensorsWriter.Declaration(
            tensor, TensorType.F64, rows, (long) values.length / rows);
    try (var writer = SafetensorsWriter.open(path(name), metadata, List.of(declaration))) {
      writer.writeDoubles(values, values.length);
      writer.commit();
    }
    return path(name);
  }
}
