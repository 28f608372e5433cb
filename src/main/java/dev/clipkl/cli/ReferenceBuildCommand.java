package dev.clipkl.cli;

import dev.clipkl.language.Corpus;
import dev.clipkl.language.ReferenceBuild;
import dev.clipkl.language.TextCorpus;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.WordNetCorpus;
import dev.clipkl.table.ByteSize;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code clipkl reference build}: an n-gram language model from a corpus. */
@Command(
    name = "build",
    description =
        "Builds an n-gram language model from the glosses of WordNet or from text files, for use as"
            + " a reference policy, as a .safetensors file. Every token has a probability above 0 in every context.",
    footer = {
      "  ./run.sh reference build --tokenizer cl100k_base --out models/wordnet.safetensors",
      "  ./run.sh reference build --tokenizer o200k_base --text book.txt --paragraphs"
          + " --out models/book.safetensors"
    })
final class ReferenceBuildCommand implements Runnable {
  @Spec private CommandSpec command;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Mixin private final TokenizerOption tokenizer = new TokenizerOption();

  @Mixin private final OutputFile file = new OutputFile(".safetensors");

  @Option(
      names = "--order",
      paramLabel = "1..3",
      defaultValue = "3",
      description =
          "The n of the n-grams: a token is predicted from the n-1 before it"
              + " (default: ${DEFAULT-VALUE}).")
  private int order;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      arity = "1..*",
      description =
          "UTF-8 text files to read instead of WordNet; each line that is not blank is one text.")
  private List<Path> texts = new ArrayList<>();

  @Option(
      names = "--paragraphs",
      description = "With --text: texts are separated by blank lines, not by line ends.")
  private boolean paragraphs;

  @Override
  public void run() {
    Corpus corpus = corpus();
    Path path = file.require(texts.toArray(Path[]::new));
    Tokenizer opened = tokenizer.open();
    PrintWriter narration = output.narration();
    narration.println("counting the n-grams of " + corpus.description() + " ...");
    narration.flush();
    ReferenceBuild.Summary built = ReferenceBuild.run(corpus, opened, order, path);
    output.print(built, out -> print(built, out));
  }

  private Corpus corpus() {
    if (!texts.isEmpty()) {
      return new TextCorpus(texts, paragraphs ? TextCorpus.Unit.PARAGRAPH : TextCorpus.Unit.LINE);
    }
    if (paragraphs) {
      throw new ParameterException(
          command.commandLine(), "--paragraphs says how to read text files, which --text names");
    }
    return new WordNetCorpus();
  }

  private static void print(ReferenceBuild.Summary built, PrintWriter out) {
    FieldTable table =
        new FieldTable()
            .add("file", built.path().toString())
            .add("size", ByteSize.format(built.bytes()))
            .add(
                "tokenizer",
                String.format(
                    Locale.ROOT, "%s, %,d columns", built.tokenizer(), built.vocabularySize()))
            .add("corpus", built.corpus())
            .add(
                "texts",
                String.format(
                    Locale.ROOT, "%,d counted, %,d held out", built.texts(), built.heldOutTexts()))
            .add(
                "tokens",
                String.format(
                    Locale.ROOT, "%,d, %,d of them different", built.tokens(), built.types()));
    for (int n = 1; n <= built.order(); n++) {
      table.add(n + "-grams", String.format(Locale.ROOT, "%,d", built.ngrams().get(n - 1)));
    }
    table
        .add("held-out perplexity", perplexity(built))
        .add(
            "min reference probability", String.format(Locale.ROOT, "%.3g", built.minProbability()))
        .add("time", String.format(Locale.ROOT, "%.1f s", built.seconds()))
        .print(out);
  }

  private static String perplexity(ReferenceBuild.Summary built) {
    if (built.heldOutTexts() == 0) {
      return "not measured: no text of this small corpus was held out";
    }
    return built.order() == 1
        ? String.format(Locale.ROOT, "%,.1f", built.heldOutPerplexity())
        : String.format(
            Locale.ROOT,
            "%,.1f (the unigram model's: %,.1f)",
            built.heldOutPerplexity(),
            built.unigramPerplexity());
  }
}
