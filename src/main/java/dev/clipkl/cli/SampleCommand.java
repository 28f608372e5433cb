package dev.clipkl.cli;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.sampling.SamplingSettings;
import dev.clipkl.table.AtomicFile;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code clipkl sample}: texts of a sequence run. */
@Command(
    name = "sample",
    description =
        "Writes texts by the reference and by the trained policy of a sequence run, side by side and"
            + " with the same random numbers, so that they differ by what training changed; then"
            + " compares their averages with the exact expectations.",
    footer = {
      "  ./run.sh sample runs/sequence --n 1000 --out texts.jsonl",
      "  ./run.sh sample runs/sequence --n 3 --top-p 0.7 --prompt \"Once upon a time\""
    })
final class SampleCommand implements Runnable {
  private static final int MOST_SAMPLES = 200_000;
  private static final int GREATEST_LENGTH = 65_536;
  private static final int DEFAULT_LENGTH = 64;
  private static final int SHOWN = 8;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(paramLabel = "RUN_DIR", description = "A finished sequence run's directory.")
  private Path source = Path.of("");

  @Option(
      names = "--n",
      paramLabel = "N",
      defaultValue = "8",
      description =
          "Texts by each of the two (default: ${DEFAULT-VALUE}); the first 8 are printed.")
  private int samples;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "The same seed gives the same texts (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "1",
      description =
          "Tokens are drawn from p^(1/T), normalised (default: ${DEFAULT-VALUE}, the policy as it"
              + " is).")
  private double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description =
          "Tokens are drawn from the fewest most probable ones whose mass is at least P (default:"
              + " ${DEFAULT-VALUE}, all tokens).")
  private double topP;

  @Option(
      names = "--max-length",
      paramLabel = "N",
      description =
          "Tokens after which a text is broken off (default: "
              + DEFAULT_LENGTH
              + ", or the run's horizon).")
  private @Nullable Integer maxLength;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description =
          "What texts begin with; several take turns (default: the run's prompts, drawn by their"
              + " weights).")
  private List<String> prompts = new ArrayList<>();

  @Option(
      names = "--out",
      paramLabel = "FILE.jsonl",
      description = "Write all texts to this file, one pair a line.")
  private @Nullable Path out;

  @Option(names = "--force", description = "Replace the file if it exists.")
  private boolean force;

  @Override
  public void run() {
    check();
    PolicySource run = new PolicySource(source);
    run.requireRun();
    if (out != null) {
      Path policy = run.policyFile();
      Path promptFile = run.configuration().problem().prompts().orElse(policy);
      out = OutputFile.require(out, List.of(".jsonl"), force, policy, promptFile);
    }
    SampleReport report = SampleReport.of(run, prompts, this::settings);
    if (out != null) {
      write(report, out);
    }
    output.print(report, text -> print(report, text));
  }

  private void check() {
    require(samples >= 1 && samples <= MOST_SAMPLES, "--n", "1 to " + MOST_SAMPLES, samples);
    require(
        temperature > 0.0 && temperature < Double.POSITIVE_INFINITY,
        "--temperature",
        "a finite number above 0",
        temperature);
    require(topP > 0.0 && topP <= 1.0, "--top-p", "a number in (0, 1]", topP);
    if (maxLength != null) {
      require(
          maxLength >= 1 && maxLength <= GREATEST_LENGTH,
          "--max-length",
          "1 to " + GREATEST_LENGTH,
          maxLength);
    }
  }

  private static void require(boolean condition, String option, String expected, Number got) {
    if (!condition) {
      throw new InputException("%s: expected %s, got %s".formatted(option, expected, got));
    }
  }

  private SamplingSettings settings(RunConfig.Problem problem) {
    int horizon = problem.contexts().horizon();
    int length = maxLength == null ? horizon == 0 ? DEFAULT_LENGTH : horizon : maxLength;
    require(
        horizon == 0 || length <= horizon,
        "--max-length",
        "at most the run's horizon, " + horizon,
        length);
    return new SamplingSettings(samples, seed, temperature, topP, length);
  }

  private static void write(SampleReport report, Path path) {
    try (AtomicFile file = AtomicFile.open(path);
        Writer lines =
            new BufferedWriter(
                new OutputStreamWriter(file.outputStream(), StandardCharsets.UTF_8))) {
      for (SampleReport.Pair pair : report.samples()) {
        lines.write(ResultOutput.MAPPER.writeValueAsString(pair));
        lines.write('\n');
      }
      lines.flush();
      file.commit();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void print(SampleReport report, PrintWriter text) {
    SampleTable table = SampleTable.of(report);
    table.printTexts(SHOWN, text);
    int more = report.samples().size() - SHOWN;
    if (more > 0) {
      text.println();
      text.printf(
          Locale.ROOT,
          out == null ? "and %,d more, which --out FILE.jsonl would write%n" : "and %,d more%n",
          more);
    }
    table.printAverages(text);
    if (out != null) {
      text.println("texts: " + out);
    }
  }
}
