package dev.clipkl.cli;

import dev.clipkl.config.RunConfig;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.ReferenceFile;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.language.TopTokens;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.StopReason;
import dev.clipkl.training.StoredPolicy;
import dev.clipkl.training.TrainingResult;
import dev.clipkl.training.TrainingRun;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code clipkl demo}: the whole way, on the project's own data. */
@Command(
    name = "demo",
    description =
        "Builds an n-gram reference from WordNet and a reward from preference pairs, aligns 256"
            + " prompts over the 100,277 tokens of cl100k_base with reverse and with forward KL, and"
            + " shows what changed and how far each policy is from the best possible one.",
    footer = {"  ./run.sh demo", "  ./run.sh demo --sequence --out runs/texts"})
final class DemoCommand implements Callable<Integer> {
  private static final List<String> DIVERGENCES = List.of("reverse-kl", "forward-kl");

  /** Far apart, so that the shown prompts differ. */
  private static final int[] SHOWN_PROMPTS = {0, 12, 129, 146, 177};

  private static final int SHOWN_TOKENS = 6;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "Folder for the two runs (default: runs/demo or runs/demo-sequence, or the next free one,"
              + " as runs/demo-2).")
  private @Nullable Path out;

  @Option(
      names = "--sequence",
      description =
          "Align whole texts instead of a prompt's next token: 512 context classes over the same"
              + " tokens, discount 0.9; then sample texts.")
  private boolean sequence;

  @Override
  public Integer call() {
    DemoInputs inputs = DemoInputs.find();
    Tokenizer tokenizer = Tokenizers.open(DemoInputs.TOKENIZER);
    inputs.build(tokenizer, output.narration());
    Path folder = out == null ? freeFolder(sequence ? "demo-sequence" : "demo") : out;
    List<DemoTable.Run> runs = new ArrayList<>();
    for (String divergence : DIVERGENCES) {
      Path directory = folder.resolve(divergence);
      TrainingResult result =
          train(
              divergence,
              sequence
                  ? SequenceDemo.config(inputs, divergence, directory)
                  : inputs.config("demo.yaml", divergence, directory, List.of()));
      if (result.reason() == StopReason.INTERRUPTED) {
        output.narration().println("continue it with: clipkl train --resume " + directory);
        return CommandRunner.INTERRUPTED;
      }
      runs.add(summary(divergence, result, directory));
    }
    if (sequence) {
      output.narration().println("sampling texts ...");
      output.narration().flush();
      SequenceDemo demo = SequenceDemo.of(runs);
      output.print(demo, demo::print);
      return CommandRunner.DONE;
    }
    DemoTable table = new DemoTable(runs, shownPrompts(inputs, tokenizer, folder));
    output.print(table, table::print);
    return CommandRunner.DONE;
  }

  private static Path freeFolder(String name) {
    Path runs = Path.of("runs");
    Path folder = runs.resolve(name);
    for (int n = 2; Files.exists(folder); n++) {
      folder = runs.resolve(name + "-" + n);
    }
    return folder;
  }

  private TrainingResult train(String divergence, RunConfig config) {
    output.narration().println("aligning with " + divergence + " ...");
    output.narration().flush();
    try (StopSignal signal = new StopSignal();
        ProgressView view =
            new ProgressView(
                divergence,
                output.narration(),
                Terminal.isInteractive() && !output.json,
                config.optimizer().tolerance(),
                config.optimizer().outerIterations(),
                signal)) {
      return TrainingRun.start(config, view);
    }
  }

  private static DemoTable.Run summary(String divergence, TrainingResult result, Path directory) {
    MetricRecord latest = result.progress().latest();
    return new DemoTable.Run(
        divergence,
        result.first().get(MetricNames.REWARD),
        latest.get(MetricNames.REWARD),
        latest.get(MetricNames.KL_POLICY_TO_REFERENCE),
        latest.get(MetricNames.KL_REFERENCE_TO_POLICY),
        latest.get(MetricNames.GAP),
        result.progress().outerIteration(),
        result.progress().seconds(),
        directory.toString());
  }

  private static List<DemoTable.Shown> shownPrompts(
      DemoInputs inputs, Tokenizer tokenizer, Path folder) {
    List<Prompt> all = Prompts.read(inputs.prompts());
    List<DemoTable.Shown> shown = new ArrayList<>();
    int actions = tokenizer.vocabularySize();
    double[] row = new double[actions];
    try (Arena arena = Arena.ofConfined();
        ReferenceFile reference = ReferenceFile.open(inputs.reference())) {
      RowTable logits = RowTable.allocate(arena, 1, actions);
      for (int index : SHOWN_PROMPTS) {
        Prompt prompt = all.get(index);
        List<DemoTable.NextTokens> policies = new ArrayList<>();
        reference.fillRows(List.of(prompt), tokenizer, logits);
        logits.readRow(0, row);
        policies.add(new DemoTable.NextTokens("reference", tokens(row, tokenizer)));
        for (String divergence : DIVERGENCES) {
          try (StoredPolicy policy =
              StoredPolicy.open(folder.resolve(divergence).resolve("policy.safetensors"))) {
            policy.readLogits(index, row);
          }
          policies.add(new DemoTable.NextTokens(divergence, tokens(row, tokenizer)));
        }
        shown.add(new DemoTable.Shown(prompt.text(), policies));
      }
    }
    return shown;
  }

  private static List<DemoTable.Token> tokens(double[] logits, Tokenizer tokenizer) {
    return TopTokens.of(logits, SHOWN_TOKENS).stream()
        .map(entry -> new DemoTable.Token(tokenizer.display(entry.id()), entry.probability()))
        .toList();
  }
}
