package dev.clipkl.cli;

import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.ReferenceImport;
import dev.clipkl.language.Tokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code clipkl reference import}: rows of log-probabilities or logits from elsewhere. */
@Command(
    name = "import",
    description =
        "Takes a reference row per prompt from a safetensors file, say dumped from an LLM, checks"
            + " that every probability is above 0, and stores normalised log-probabilities as a"
            + " .safetensors file.",
    footer =
        "  ./run.sh reference import rows.safetensors --prompts prompts.jsonl"
            + " --tokenizer tokenizer.json --out models/llm.safetensors")
final class ReferenceImportCommand implements Runnable {
  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      paramLabel = "SOURCE.safetensors",
      description =
          "Holds reference_log_probs or reference_logits [prompts, vocabulary]"
              + " (F16, BF16, F32 or F64).")
  private Path source = Path.of("");

  @Option(
      names = "--prompts",
      required = true,
      paramLabel = "FILE",
      description = "The prompts (JSON lines) that the rows belong to, in the same order.")
  private Path prompts = Path.of("");

  @Mixin private final TokenizerOption tokenizer = new TokenizerOption();

  @Mixin private final OutputFile file = new OutputFile(".safetensors");

  @Override
  public void run() {
    Path path = file.require(source, prompts);
    List<Prompt> rows = Prompts.read(prompts);
    Tokenizer opened = tokenizer.open();
    ReferenceImport.Summary imported = ReferenceImport.run(source, rows, opened, path);
    output.print(imported, out -> print(imported, opened, out));
  }

  private static void print(ReferenceImport.Summary imported, Tokenizer opened, PrintWriter out) {
    FieldTable table =
        new FieldTable()
            .add("file", imported.path().toString())
            .add("source", imported.source())
            .add("rows", String.format(Locale.ROOT, "%,d, one per prompt", imported.rows()))
            .add(
                "tokenizer",
                String.format(
                    Locale.ROOT, "%s, %,d columns", opened.name(), imported.vocabularySize()))
            .add(
                "min reference probability",
                String.format(Locale.ROOT, "%.3g", imported.minProbability()));
    // Logits need not be normalised; log-probabilities far from it may be something else.
    if (imported.largestLogSum() > 0) {
      table.add(
          "normalised by at most",
          String.format(Locale.ROOT, "%.2e nats", imported.largestLogSum()));
    }
    table.print(out);
  }
}
