package dev.clipkl.cli;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.inspect.RunTexts;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.problem.Problem;
import dev.clipkl.table.ByteSize;
import dev.clipkl.training.LoadedProblem;
import dev.clipkl.training.StoredPolicy;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code clipkl export}: a policy's rows for other programs. */
@Command(
    name = "export",
    description =
        "Writes rows of a trained policy: as log-probabilities to a .safetensors file, or its most"
            + " probable tokens to a .csv file. Or rows of the problem that it was trained on.")
final class ExportCommand implements Runnable {
  private static final String TENSORS = ".safetensors";
  private static final String CSV = ".csv";
  private static final int DEFAULT_TOP = 20;

  @Spec private CommandSpec command;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      paramLabel = "RUN_DIR|POLICY",
      description = "A finished run's directory, or the policy.safetensors that it wrote.")
  private Path source = Path.of("");

  @Mixin private final OutputFile file = new OutputFile(TENSORS, CSV);

  @Option(
      names = "--rows",
      paramLabel = "0,3,10-20",
      description = "The rows, counted from 0 (default: all).")
  private @Nullable String rows;

  @Option(
      names = "--table",
      paramLabel = "T",
      description =
          "For a run's directory and .safetensors: write reference (log-probabilities) or rewards"
              + " instead of the policy, as the run computes with them.")
  private ProblemExport.@Nullable Table table;

  @Option(
      names = "--logits",
      description = "For .safetensors: write the logits as they are stored, not normalised.")
  private boolean logits;

  @Option(
      names = "--top",
      paramLabel = "K",
      description = "For .csv: tokens per row, most probable first (default: " + DEFAULT_TOP + ").")
  private @Nullable Integer top;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "For .csv: the policy's prompts (default: those of the run).")
  private @Nullable Path prompts;

  @Option(
      names = "--tokenizer",
      paramLabel = "NAME|FILE",
      description = "For .csv: the policy's vocabulary (default: the run's).")
  private @Nullable String tokenizer;

  /**
   * What was written.
   *
   * @param source the policy's file
   * @param policy the policy file's metadata
   * @param top tokens per row in a CSV file, null for tensors
   */
  record Summary(
      Path path,
      long bytes,
      Path source,
      int rows,
      int columns,
      @Nullable Integer top,
      Map<String, String> policy) {}

  @Override
  public void run() {
    boolean csv = file.isNamed(CSV);
    checkOptions(csv);
    if (table != null) {
      exportProblem(table);
      return;
    }
    Path policyFile = new PolicySource(source).policyFile();
    Path path = prompts == null ? file.require(policyFile) : file.require(policyFile, prompts);
    try (StoredPolicy policy = StoredPolicy.open(policyFile)) {
      long[] selected =
          rows == null
              ? RowSelection.all(policy.states())
              : RowSelection.parse(rows, policy.states());
      Integer written = null;
      if (csv) {
        written = Math.min(top == null ? DEFAULT_TOP : top, policy.actions());
        PolicyExport.writeTopTokens(
            policy,
            selected,
            written,
            isSequence() ? "context" : "prompt",
            rowNames(policy),
            tokenizer(policy),
            path);
      } else {
        PolicyExport.writeTensors(policy, selected, logits, path);
      }
      Summary summary =
          new Summary(
              path,
              Files.size(path),
              policyFile,
              selected.length,
              policy.actions(),
              written,
              policy.metadata());
      output.print(summary, out -> print(summary, out));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * What was written of a problem.
   *
   * @param source the run whose problem it is
   * @param fingerprint the problem's
   */
  record ProblemSummary(
      Path path, long bytes, Path source, int rows, int columns, String fingerprint) {}

  private void exportProblem(ProblemExport.Table which) {
    PolicySource run = new PolicySource(source);
    run.requireRun();
    Path path = file.require();
    try (LoadedProblem loaded = LoadedProblem.open(run.configuration(), _ -> {})) {
      Problem problem = loaded.problem();
      long[] selected =
          rows == null
              ? RowSelection.all(problem.states())
              : RowSelection.parse(rows, problem.states());
      int written = ProblemExport.write(problem, which, selected, path);
      ProblemSummary summary =
          new ProblemSummary(
              path, Files.size(path), source, written, problem.actions(), problem.fingerprint());
      output.print(summary, out -> print(summary, out));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void print(ProblemSummary summary, PrintWriter out) {
    new FieldTable()
        .add("file", summary.path().toString())
        .add("size", ByteSize.format(summary.bytes()))
        .add("problem of", summary.source().toString())
        .add(
            "rows",
            String.format(Locale.ROOT, "%,d of %,d columns", summary.rows(), summary.columns()))
        .print(out);
  }

  private void checkOptions(boolean csv) {
    if (table != null && (csv || logits)) {
      throw new ParameterException(
          command.commandLine(), "--table goes with a .safetensors file and without --logits");
    }
    if (csv && logits) {
      throw new ParameterException(
          command.commandLine(), "--logits goes with a .safetensors file, not with .csv");
    }
    if (!csv && (top != null || prompts != null || tokenizer != null)) {
      String option = top != null ? "--top" : prompts != null ? "--prompts" : "--tokenizer";
      throw new ParameterException(
          command.commandLine(), option + " goes with a .csv file, not with .safetensors");
    }
    if (top != null && top < 1) {
      throw new InputException("--top must be >= 1, got " + top);
    }
  }

  private boolean isSequence() {
    PolicySource policy = new PolicySource(source);
    return policy.isRun() && policy.configuration().problem().kind() == ProblemKind.SEQUENCE;
  }

  /** What the rows are called; null for rows without names. */
  private @Nullable List<String> rowNames(StoredPolicy policy) {
    PolicySource run = new PolicySource(source);
    if (prompts != null) {
      if (isSequence()) {
        throw new InputException(
            "--prompts: the rows of a sequence run are contexts, which have names of their own");
      }
      return RunTexts.prompts(prompts, policy.states());
    }
    if (!run.isRun()) {
      return null;
    }
    RunConfig config = run.configuration();
    Path path = config.problem().prompts().orElse(null);
    if (path != null && !Files.exists(path)) {
      throw new InputException(
          "%s: problem.prompts %s is not there (relative paths begin at the working directory);"
                  .formatted(run.configurationFile(), path)
              + " say where it is with --prompts");
    }
    return RunTexts.rowNames(run, config, policy.states());
  }

  private @Nullable Tokenizer tokenizer(StoredPolicy policy) {
    PolicySource run = new PolicySource(source);
    String name =
        tokenizer == null && run.isRun()
            ? run.configuration().problem().tokenizer().orElse(null)
            : tokenizer;
    return name == null ? null : RunTexts.tokenizer(name, policy.actions());
  }

  private static void print(Summary summary, PrintWriter out) {
    FieldTable table =
        new FieldTable()
            .add("file", summary.path().toString())
            .add("size", ByteSize.format(summary.bytes()))
            .add("policy", summary.source().toString());
    Map<String, String> trained = summary.policy();
    table.add(
        "trained",
        String.format(
            Locale.ROOT,
            "%s, lambda %s, %s outer iterations",
            trained.getOrDefault("divergence", "divergence unknown"),
            trained.getOrDefault("lambda", "unknown"),
            trained.getOrDefault("outer_iteration", "unknown")));
    table.add(
        "rows",
        summary.top() == null
            ? String.format(Locale.ROOT, "%,d of %,d columns", summary.rows(), summary.columns())
            : String.format(
                Locale.ROOT,
                "%,d, each with its %,d most probable of %,d tokens",
                summary.rows(),
                summary.top(),
                summary.columns()));
    table.print(out);
  }
}
