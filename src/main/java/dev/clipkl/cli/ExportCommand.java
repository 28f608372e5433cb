package dev.clipkl.cli;

import dev.clipkl.config.ProblemKind;
import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.language.Prompt;
import dev.clipkl.language.Prompts;
import dev.clipkl.language.Tokenizer;
import dev.clipkl.language.Tokenizers;
import dev.clipkl.problem.Problem;
import dev.clipkl.table.ByteSize;
import dev.clipkl.training.LoadedProblem;
import dev.clipkl.training.SequenceProblem;
import dev.clipkl.training.StoredPolicy;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
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
            isSequence() ? contexts(policy) : prompts(policy),
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

  /** What a sequence run's rows go on from; null for one that was imported. */
  private @Nullable List<String> contexts(StoredPolicy policy) {
    if (prompts != null) {
      throw new InputException(
          "--prompts: the rows of a sequence run are contexts, which have names of their own");
    }
    RunConfig config = new PolicySource(source).configuration();
    if (config.problem().importFile().isPresent()) {
      return null;
    }
    List<String> names = SequenceProblem.rowNames(config);
    if (names.size() != policy.states()) {
      throw new InputException(
          "%s: expected as many rows as the run has contexts, %d, got %d"
              .formatted(source, names.size(), policy.states()));
    }
    return names;
  }

  private @Nullable List<String> prompts(StoredPolicy policy) {
    Path path = prompts;
    if (path == null) {
      path = fromRun(RunConfig.Problem::prompts);
      if (path != null && !Files.exists(path)) {
        throw new InputException(
            "%s: problem.prompts %s is not there (relative paths begin at the working directory);"
                    .formatted(new PolicySource(source).configurationFile(), path)
                + " say where it is with --prompts");
      }
    }
    if (path == null) {
      return null;
    }
    List<Prompt> read = Prompts.read(path);
    if (read.size() != policy.states()) {
      throw new InputException(
          "%s: expected as many prompts as the policy has rows, %d, got %d"
              .formatted(path, policy.states(), read.size()));
    }
    return read.stream().map(Prompt::text).toList();
  }

  private @Nullable Tokenizer tokenizer(StoredPolicy policy) {
    String name = tokenizer == null ? fromRun(RunConfig.Problem::tokenizer) : tokenizer;
    if (name == null) {
      return null;
    }
    Tokenizer opened = Tokenizers.open(name);
    if (opened.vocabularySize() != policy.actions()) {
      throw new InputException(
          "tokenizer %s: expected as many columns as the policy has, %d, got %d"
              .formatted(name, policy.actions(), opened.vocabularySize()));
    }
    return opened;
  }

  private <T> @Nullable T fromRun(Function<RunConfig.Problem, Optional<T>> key) {
    PolicySource policy = new PolicySource(source);
    return policy.isRun() ? key.apply(policy.configuration().problem()).orElse(null) : null;
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
