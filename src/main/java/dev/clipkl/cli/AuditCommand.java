package dev.clipkl.cli;

import dev.clipkl.audit.AuditInput;
import dev.clipkl.audit.AuditResult;
import dev.clipkl.audit.AuditSettings;
import dev.clipkl.audit.KlAudit;
import dev.clipkl.audit.LogProbabilities;
import dev.clipkl.failure.InputException;
import dev.clipkl.inspect.PolicySource;
import dev.clipkl.training.ReferenceRows;
import dev.clipkl.training.StoredPolicy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code clipkl audit}: KL estimators against the exact answer. */
@Command(
    name = "audit",
    description =
        "Holds the KL estimators of sampling trainers (k1, k2, k3; in the reward or in the loss;"
            + " with or without importance correction) against exact sums over the vocabulary:"
            + " their bias and noise as numbers, and as gradients.",
    footer = {
      "  ./run.sh audit runs/demo/reverse-kl",
      "  ./run.sh audit runs/demo/reverse-kl --samples 10000,1000000 --seed 1"
    })
final class AuditCommand implements Runnable {
  private static final int LARGEST_SAMPLE_SIZE = 100_000_000;

  @Spec private CommandSpec command;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Parameters(
      paramLabel = "RUN_DIR|POLICY",
      description = "A finished run's directory, or the policy.safetensors that it wrote.")
  private Path source = Path.of("");

  @Option(
      names = "--reference",
      paramLabel = "FILE",
      description =
          "For a policy file: the reference, a .safetensors file with reference_log_probs or"
              + " reference_logits (a run has its own).")
  private @Nullable Path reference;

  @Option(
      names = "--sampler",
      paramLabel = "RUN_DIR|POLICY",
      description =
          "The older policy mu whose tokens are used (default: the policy itself). With it, the"
              + " table has importance correction, too.")
  private @Nullable Path sampler;

  @Option(
      names = "--samples",
      paramLabel = "N,N",
      split = ",",
      defaultValue = "1000,1000000",
      description = "Sample sizes, each drawn anew (default: ${DEFAULT-VALUE}).")
  private List<Integer> samples = List.of();

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "The same seed draws the same samples (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--confidence",
      paramLabel = "C",
      defaultValue = "0.99",
      description =
          "Confidence level of the intervals (default: ${DEFAULT-VALUE}: of some 50 intervals half"
              + " a one misses by chance).")
  private double confidence;

  @Option(
      names = "--rows",
      paramLabel = "0,3,10-20",
      description = "The rows, counted from 0 (default: all).")
  private @Nullable String rows;

  /**
   * What was audited, and what was found.
   *
   * @param policy the policy's file
   * @param reference where the reference came from
   * @param sampler the sampler's file; null where the policy sampled for itself
   */
  record Report(
      Path policy,
      String reference,
      @Nullable Path sampler,
      int rows,
      int actions,
      AuditSettings settings,
      AuditResult result) {}

  @Override
  public void run() {
    AuditSettings settings = settings();
    PolicySource policySource = new PolicySource(source);
    Path policyFile = policySource.policyFile();
    checkReferenceOption(policySource);
    Path samplerFile = sampler == null ? null : new PolicySource(sampler).policyFile();
    try (StoredPolicy policy = StoredPolicy.open(policyFile);
        ReferenceRows referenceRows = referenceRows(policySource)) {
      checkShape("the reference", referenceRows.states(), referenceRows.actions(), policy);
      if (samplerFile == null) {
        report(policyFile, policy, referenceRows, null, null, settings);
      } else {
        try (StoredPolicy older = StoredPolicy.open(samplerFile)) {
          checkShape(samplerFile.toString(), older.states(), older.actions(), policy);
          report(policyFile, policy, referenceRows, samplerFile, older::readLogProbs, settings);
        }
      }
    }
  }

  private void report(
      Path policyFile,
      StoredPolicy policy,
      ReferenceRows referenceRows,
      @Nullable Path samplerFile,
      @Nullable LogProbabilities older,
      AuditSettings settings) {
    long[] selected =
        rows == null
            ? RowSelection.all(policy.states())
            : RowSelection.parse(rows, policy.states());
    double[] weights = referenceRows.startWeights();
    AuditResult result =
        KlAudit.run(
            new AuditInput(
                selected,
                Arrays.stream(selected).mapToDouble(row -> weights[(int) row]).toArray(),
                policy.actions(),
                policy::readLogProbs,
                referenceRows::readLogProbs,
                older),
            settings);
    Report report =
        new Report(
            policyFile,
            referenceRows.description(),
            samplerFile,
            selected.length,
            policy.actions(),
            settings,
            result);
    output.print(report, out -> new AuditTable(report).print(out));
  }

  private AuditSettings settings() {
    Set<Integer> sizes = new LinkedHashSet<>();
    for (int size : samples) {
      if (size < 2 || size > LARGEST_SAMPLE_SIZE) {
        throw new InputException(
            "--samples: expected sizes from 2 to %d, got %d".formatted(LARGEST_SAMPLE_SIZE, size));
      }
      if (!sizes.add(size)) {
        throw new InputException("--samples: %d is named twice".formatted(size));
      }
    }
    if (!(confidence > 0.0 && confidence < 1.0)) {
      throw new InputException("--confidence must be in (0, 1), got " + confidence);
    }
    return new AuditSettings(new ArrayList<>(sizes), seed, confidence);
  }

  private void checkReferenceOption(PolicySource policySource) {
    if (policySource.isRun() && reference != null) {
      throw new ParameterException(
          command.commandLine(), "--reference goes with a policy file, a run has its own");
    }
    if (!policySource.isRun() && reference == null) {
      throw new ParameterException(
          command.commandLine(),
          "a policy file needs --reference FILE.safetensors, or name its run's directory");
    }
  }

  private ReferenceRows referenceRows(PolicySource policySource) {
    return reference == null
        ? ReferenceRows.ofRun(policySource.configuration())
        : ReferenceRows.ofFile(reference);
  }

  private static void checkShape(String what, long states, int actions, StoredPolicy policy) {
    if (states != policy.states() || actions != policy.actions()) {
      throw new InputException(
          "%s does not fit the policy: expected [%d, %d], got [%d, %d]"
              .formatted(what, policy.states(), policy.actions(), states, actions));
    }
  }
}
