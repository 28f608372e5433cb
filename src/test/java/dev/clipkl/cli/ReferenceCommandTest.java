package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.table.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReferenceCommandTest {
  @TempDir private Path folder;
  private CommandLineFixture cli;
  private Path tokenizer;
  private Path out;

  @BeforeEach
  void prepare() throws IOException {
    cli = new CommandLineFixture(folder);
    tokenizer = cli.tokenizer();
    out = cli.path("reference.safetensors");
  }

  private Path corpus() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int line = 0; line < 256; line++) {
      for (int bit = 0; bit < 8; bit++) {
        text.append((line >> bit & 1) == 0 ? "kind " : "rude ");
      }
      text.append(line % 2 == 0 ? "\n" : "\n\n");
    }
    return cli.file("corpus.txt", text.toString());
  }

  @Test
  void buildWritesAModelAndShowsEveryMeasure() throws IOException {
    int exitCode =
        cli.run("reference", "build", "--tokenizer", tokenizer, "--out", out, "--text", corpus());
    assertThat(exitCode).as(cli.err()).isZero();
    try (ReferenceFile reference = ReferenceFile.open(out)) {
      assertThat(reference.vocabularySize()).isEqualTo(CommandLineFixture.VOCABULARY_SIZE);
    }
    assertThat(cli.err()).isEmpty();
    assertThat(cli.out().lines().skip(1).map(line -> line.split("  +", 2)[0]))
        .containsExactly(
            "file",
            "size",
            "tokenizer",
            "corpus",
            "texts",
            "tokens",
            "1-grams",
            "2-grams",
            "3-grams",
            "held-out perplexity",
            "min reference probability",
            "time");
    assertThat(cli.out()).contains("(the unigram model's: ", "text files corpus.txt");
  }

  @Test
  void buildPrintsOneJsonDocument() throws IOException {
    assertThat(
            cli.run(
                "reference",
                "build",
                "--json",
                "--tokenizer",
                tokenizer,
                "--out",
                out,
                "--order",
                2,
                "--text",
                corpus()))
        .as(cli.err())
        .isZero();
    JsonNode built = cli.json();
    assertThat(built.get("path").textValue()).isEqualTo(out.toString());
    assertThat(built.get("bytes").longValue()).isEqualTo(Files.size(out));
    assertThat(built.get("ngrams")).hasSize(2);
    assertThat(built.get("texts").intValue() + built.get("held_out_texts").intValue())
        .isEqualTo(256);
    assertThat(built.get("held_out_perplexity").doubleValue()).isBetween(1.0, 6.0);
    assertThat(built.get("min_probability").doubleValue()).isBetween(1e-9, 1.0 / 6);
    assertThat(cli.err()).startsWith("counting the n-grams of text files corpus.txt");
  }

  @Test
  void paragraphsAreTexts() throws IOException {
    Path corpus = corpus();
    assertThat(
            cli.run(
                "reference",
                "build",
                "--json",
                "--paragraphs",
                "--tokenizer",
                tokenizer,
                "--out",
                out,
                "--text",
                corpus))
        .as(cli.err())
        .isZero();
    JsonNode built = cli.json();
    assertThat(built.get("texts").intValue() + built.get("held_out_texts").intValue())
        .isEqualTo(128);
    cli.refuses(
        "--paragraphs says how to read text files, which --text names"
            + " (usage: clipkl reference build --help)",
        "reference",
        "build",
        "--paragraphs",
        "--tokenizer",
        tokenizer,
        "--out",
        cli.path("other.safetensors"));
  }

  @Test
  void perplexityOfACorpusWithoutHeldOutTextIsNullNotANumber() throws IOException {
    Path corpus = cli.file("one.txt", "kind rude\n");
    Object[] build = {
      "reference", "build", "--tokenizer", tokenizer, "--out", out, "--force", "--text", corpus
    };
    assertThat(cli.run(build)).as(cli.err()).isZero();
    assertThat(cli.out()).contains("not measured");
    Object[] json = Arrays.copyOf(build, build.length + 1);
    json[build.length] = "--json";
    assertThat(cli.run(json)).as(cli.err()).isZero();
    assertThat(cli.json().get("held_out_perplexity").isNull()).isTrue();
  }

  @Test
  void existingFileIsReplacedOnlyByForce() throws IOException {
    Files.writeString(out, "precious");
    Object[] build = {
      "reference", "build", "--tokenizer", tokenizer, "--out", out, "--text", corpus()
    };
    cli.refuses(
        "--out: %s exists already; choose another file, or replace it with --force".formatted(out),
        build);
    assertThat(out).hasContent("precious");
    Object[] forced = Arrays.copyOf(build, build.length + 1);
    forced[build.length] = "--force";
    assertThat(cli.run(forced)).as(cli.err()).isZero();
    ReferenceFile.open(out).close();
  }

  @ParameterizedTest
  @CsvSource({
    "4, 'the n-gram order must be 1, 2 or 3, got 4'",
    "two, 'invalid value for option ''--order'': ''two'' is not an int"
        + " (usage: clipkl reference build --help)'"
  })
  void wrongOrderIsRefused(String order, String line) throws IOException {
    Path corpus = corpus();
    assertThat(
            cli.run(
                "reference",
                "build",
                "--json",
                "--tokenizer",
                tokenizer,
                "--out",
                out,
                "--order",
                order,
                "--text",
                corpus))
        .isEqualTo(2);
    assertThat(cli.err().lines().toList()).last().isEqualTo("clipkl: " + line);
    assertThat(out).doesNotExist();
  }

  @Test
  void outputThatCannotBeWrittenIsRefusedBeforeTheWork() throws IOException {
    Path corpus = corpus();
    cli.refuses(
        "--out must end in .safetensors, got reference.csv",
        "reference",
        "build",
        "--tokenizer",
        tokenizer,
        "--out",
        "reference.csv",
        "--text",
        corpus);
    Path nowhere = cli.path("nowhere").resolve("reference.safetensors");
    cli.refuses(
        "cannot write %s: its folder %s does not exist".formatted(nowhere, nowhere.getParent()),
        "reference",
        "build",
        "--tokenizer",
        tokenizer,
        "--out",
        nowhere,
        "--text",
        corpus);
  }

  @Test
  void groupWithoutACommandNamesItsCommands() {
    cli.refuses(
        "a command is missing, expected one of build, import (usage: clipkl reference --help)",
        "reference");
    cli.refuses(
        "a command is missing, expected one of fit (usage: clipkl reward --help)", "reward");
  }

  @Test
  void importNormalisesLogits() throws IOException {
    Path prompts = cli.file("prompts.jsonl", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n");
    double[] logits = {0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0};
    Path source = cli.matrix("rows.safetensors", "reference_logits", logits, 2, Map.of());
    Object[] arguments = {
      "reference", "import", source, "--prompts", prompts, "--tokenizer", tokenizer, "--out", out
    };
    assertThat(cli.run(arguments)).as(cli.err()).isZero();
    assertThat(cli.out())
        .contains("reference_logits F64 [2, 6]", "2, one per prompt", "min reference probability")
        .doesNotContain("normalised by");
    double normalizer = 0;
    for (int i = 0; i < 6; i++) {
      normalizer += Math.exp(i);
    }
    try (SafetensorsFile file = SafetensorsFile.open(out)) {
      float[] row = new float[6];
      file.tensor("reference_log_probs").readFloats(6, row, 6);
      assertThat(row[0]).isEqualTo((float) (5 - Math.log(normalizer)));
    }
    assertThat(
            cli.run(
                "reference",
                "import",
                source,
                "--prompts",
                prompts,
                "--tokenizer",
                tokenizer,
                "--out",
                out,
                "--force",
                "--json"))
        .as(cli.err())
        .isZero();
    assertThat(cli.json().get("min_probability").doubleValue())
        .isCloseTo(1 / normalizer, within(1e-12));
  }

  @Test
  void importTellsHowFarLogProbabilitiesWereFromNormalised() throws IOException {
    Path prompts = cli.file("prompts.jsonl", "{\"prompt\": \"a\"}\n");
    double[] row = new double[6];
    Arrays.fill(row, 1e-4 - Math.log(6));
    Path source = cli.matrix("rows.safetensors", "reference_log_probs", row, 1, Map.of());
    assertThat(
            cli.run(
                "reference",
                "import",
                source,
                "--prompts",
                prompts,
                "--tokenizer",
                tokenizer,
                "--out",
                out))
        .as(cli.err())
        .isZero();
    assertThat(cli.out()).containsPattern("normalised by at most +1\\.00e-04 nats");
  }

  @Test
  void importOverItsOwnSourceIsRefusedEvenByForce() throws IOException {
    Path prompts = cli.file("prompts.jsonl", "{\"prompt\": \"a\"}\n");
    Path source = cli.matrix("rows.safetensors", "reference_logits", new double[6], 1, Map.of());
    byte[] before = Files.readAllBytes(source);
    cli.refuses(
        "--out: %s is the file to read, choose another".formatted(source),
        "reference",
        "import",
        source,
        "--prompts",
        prompts,
        "--tokenizer",
        tokenizer,
        "--out",
        source,
        "--force");
    assertThat(source).hasBinaryContent(before);
  }

  @Test
  void importOfAnotherNumberOfRowsWritesNothing() throws IOException {
    Path prompts = cli.file("prompts.jsonl", "{\"prompt\": \"a\"}\n");
    Path source = cli.matrix("rows.safetensors", "reference_logits", new double[12], 2, Map.of());
    assertThat(
            cli.run(
                "reference",
                "import",
                source,
                "--prompts",
                prompts,
                "--tokenizer",
                tokenizer,
                "--out",
                out))
        .isEqualTo(2);
    assertThat(cli.err()).contains("rows.safetensors").hasLineCount(1);
    assertThat(out).doesNotExist();
  }
}
