package dev.clipkl.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;

/** A tiny sequence run over the words of {@link CommandLineFixture}. */
final class SequenceRunFixture {
  private final CommandLineFixture cli;

  SequenceRunFixture(CommandLineFixture cli) {
    this.cli = cli;
  }

  /**
   * Trains a run of four classes: kind, rude, words, other.
   *
   * @param keys further lines of section {@code problem}, each indented by two spaces
   */
  Path train(String name, String keys) throws IOException {
    Path tokenizer = cli.tokenizer();
    Path reference = cli.path("ngrams.safetensors");
    if (!reference.toFile().exists()) {
      Path text =
          cli.file(
              "corpus.txt",
              "kind calm kind\nkind rude calm\nrude rude kind calm\nkind kind rude\nkind rude rude\n");
      run("reference", "build", "--tokenizer", tokenizer, "--text", text, "--out", reference);
    }
    Path words = cli.file("words.csv", "text,score\n<default>,0.5\nkind,1\nrude,0\n");
    Path prompts =
        cli.file(
            "prompts.jsonl", "{\"prompt\": \"so kind\", \"weight\": 3}\n{\"prompt\": \"rude\"}\n");
    Path config =
        cli.file(
            name + ".yaml",
            """
            problem:
              kind: sequence
              prompts: %s
              tokenizer: %s
              reference: %s
              reward: %s
              classes: 4
            %sobjective: {lambda: 0.5}
            optimizer: {tolerance: 1e-4}
            run: {engine: reference, threads: 2}
            """
                .formatted(prompts, tokenizer, reference, words, keys));
    Path run = cli.path(name);
    run("train", config, "--out", run);
    return run;
  }

  private void run(Object... arguments) {
    assertThat(cli.run(arguments)).as(cli.err()).isZero();
  }
}
