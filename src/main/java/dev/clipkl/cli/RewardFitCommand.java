package dev.clipkl.cli;

import dev.clipkl.failure.InputException;
import dev.clipkl.language.BradleyTerry;
import dev.clipkl.language.PreferencePair;
import dev.clipkl.language.Preferences;
import dev.clipkl.language.RewardFit;
import dev.clipkl.language.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code clipkl reward fit}: token rewards from preference pairs. */
@Command(
    name = "fit",
    description =
        "Fits a Bradley-Terry model on token counts to preference pairs, scales its weights to"
            + " rewards in [0, r_max], measures it on pairs whose prompts were held out, and writes the"
            + " rewards as a .safetensors file.",
    footer =
        "  ./run.sh reward fit data/preferences.jsonl --tokenizer cl100k_base --out"
            + " models/kindness.safetensors")
final class RewardFitCommand implements Runnable {
  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      paramLabel = "PAIRS.jsonl",
      description =
          "Pairs as JSON lines: {\"prompt\": \"\", \"chosen\": \"\", \"rejected\": \"\"}.")
  private Path pairs = Path.of("");

  @Mixin private final TokenizerOption tokenizer = new TokenizerOption();

  @Mixin private final OutputFile file = new OutputFile(".safetensors");

  @Option(
      names = "--l2",
      paramLabel = "X",
      description =
          "The regularisation strength, above 0 (default: the one of a grid that predicts training"
              + " prompts kept back for it best).")
  private @Nullable Double l2;

  @Option(
      names = "--tolerance",
      paramLabel = "X",
      description = "The largest gradient norm accepted (default: ${DEFAULT-VALUE}).")
  private double tolerance = BradleyTerry.DEFAULT_TOLERANCE;

  @Option(
      names = "--r-max",
      paramLabel = "X",
      description = "The largest reward; the smallest is 0 (default: ${DEFAULT-VALUE}).")
  private double rMax = 1.0;

  @Option(
      names = "--top",
      paramLabel = "N",
      description =
          "How many of the best and of the worst tokens to show (default: ${DEFAULT-VALUE}).")
  private int top = 12;

  @Override
  public void run() {
    if (top < 0) {
      throw new InputException("--top must be >= 0, got " + top);
    }
    Path path = file.require(pairs);
    Tokenizer opened = tokenizer.open();
    List<PreferencePair> read = Preferences.read(pairs);
    OptionalDouble strength = l2 == null ? OptionalDouble.empty() : OptionalDouble.of(l2);
    RewardFit.Summary fitted = RewardFit.run(read, opened, strength, tolerance, rMax, path);
    RewardReport report = RewardReport.of(fitted, opened, top);
    output.print(report, report::print);
  }
}
