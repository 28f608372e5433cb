package dev.clipkl.certify;

import dev.clipkl.config.RunConfig;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.failure.InputException;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.Problem;
import dev.clipkl.problem.PromptBandit;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.LoadedRun;
import dev.clipkl.training.MdpRows;
import dev.clipkl.training.SequenceRows;
import dev.clipkl.training.StoredPolicy;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Makes a certificate: replays a run outer iteration by outer iteration, which gives the same bits
 * again, and measures on the way what the theory claims.
 */
public final class Certification {
  private static final double SECONDS_BETWEEN_LINES = 5.0;

  private final String source;
  private final TrainingListener listener;
  private final boolean replayed;
  private final CheckLedger ledger = new CheckLedger();

  private Certification(String source, TrainingListener listener, boolean replayed) {
    this.source = source;
    this.listener = listener;
    this.replayed = replayed;
  }

  /**
   * Certifies a finished run.
   *
   * @param directory the run directory
   * @param policyFile its policy
   * @param replay whether to replay it; otherwise only its last policy is certified
   * @throws dev.clipkl.failure.CommandException when an input is wrong or the machine cannot do it
   */
  public static Certificate ofRun(
      Path directory, Path policyFile, boolean replay, TrainingListener listener) {
    // The folder may have been moved since.
    RunConfig config =
        RunConfig.read(directory.resolve("config.yaml"), List.of()).withOut(directory);
    Certification certification = new Certification(directory.toString(), listener, replay);
    try (StoredPolicy policy = StoredPolicy.open(policyFile);
        LoadedRun run = LoadedRun.open(config, listener::note)) {
      String fingerprint = policy.metadata().get("problem_fingerprint");
      if (!run.problem().fingerprint().equals(fingerprint)) {
        throw new InputException(
            "%s: the policy belongs to another problem: expected fingerprint %s, got %s; have the"
                    .formatted(policyFile, run.problem().fingerprint(), fingerprint)
                + " run's inputs changed?");
      }
      int outerIterations = outerIterations(policyFile, policy);
      return certification.certify(run, policy.table(), outerIterations);
    }
  }

  private static int outerIterations(Path file, StoredPolicy policy) {
    String text = policy.metadata().getOrDefault("outer_iteration", "");
    try {
      return Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new InputException(
          "%s: its metadata outer_iteration must be a whole number, got '%s'".formatted(file, text),
          e);
    }
  }

  /**
   * Certifies what a configuration would train: trains in memory first, and writes nothing.
   *
   * @throws dev.clipkl.failure.CommandException when an input is wrong or the machine cannot do it
   */
  public static Certificate ofConfiguration(
      RunConfig config, String source, boolean replay, TrainingListener listener) {
    Certification certification = new Certification(source, listener, replay);
    try (LoadedRun run = LoadedRun.open(config, listener::note)) {
      int outerIterations = TrainingRun.trainInMemory(run, listener);
      RowTable trained = run.allocatePolicy();
      copy(run.coupling().block().actor().logits(), trained);
      run.restart();
      return certification.certify(run, trained, outerIterations);
    }
  }

  private static void copy(RowTable from, RowTable to) {
    double[] row = new double[from.columns()];
    for (long i = 0; i < from.rows(); i++) {
      from.readRow(i, row);
      to.writeRow(i, row);
    }
  }

  private Certificate certify(LoadedRun run, RowTable policy, int outerIterations) {
    List<String> warnings = new ArrayList<>(run.warnings());
    double[] gaps = null;
    double[] lastSteps = null;
    double firstGap;
    Replay.FinalPolicy last;
    RowTable logits = run.coupling().block().actor().logits();
    try (Replay replay = open(run)) {
      if (replayed) {
        gaps = new double[outerIterations + 1];
        lastSteps = Replay.run(run, replay, outerIterations, gaps, progress());
        firstGap = gaps[0];
        long differing = differingEntries(logits, policy);
        ledger.declare(
            Claim.REPRODUCTION,
            Standing.MEASURED,
            "same machine and JDK give the same bits; others may round differently");
        ledger.observe(Claim.REPRODUCTION, (double) differing, 0.0, 0.0, null);
      } else {
        replay.start();
        firstGap = replay.gap();
      }
      copy(policy, logits);
      last = replay.finish(outerIterations, replayed);
    }
    new SoftmaxConstants(ledger).observe(logits);
    double minReference = observeAssumptions(run);
    Rate rate = new RateReport(run, ledger).report(firstGap, gaps, lastSteps);
    RowProgram program = run.program();
    return new Certificate(
        source,
        problem(run),
        "%s, lambda %s".formatted(program.divergence().name(), program.lambda()),
        "%s, %s, step size %s, %d inner steps, clip epsilon %s"
            .formatted(
                program.optimizer().configName(),
                program.stepRule().configName(),
                program.stepSize(),
                program.innerSteps(),
                program.clip().clipEpsilon()),
        run.engine().description(),
        outerIterations,
        replayed ? outerIterations : 0,
        last.value(),
        last.optimumLower(),
        last.optimumUpper(),
        last.gap(),
        minReference,
        Math.exp(last.minLogPolicy()),
        rate,
        ledger.checks(),
        warnings);
  }

  private static String problem(LoadedRun run) {
    return switch (run.problem()) {
      case PromptBandit bandit ->
          "bandit, %d states, %d actions".formatted(bandit.states(), bandit.actions());
      case TokenMdp mdp ->
          "sequence, %d states, %d tokens, discount %s"
              .formatted(mdp.states(), mdp.actions(), mdp.discount());
      case FiniteMdp mdp ->
          "mdp, %d states, %d actions, discount %s"
              .formatted(mdp.states(), mdp.actions(), mdp.discount());
    };
  }

  private Replay open(LoadedRun run) {
    return switch (run.problem()) {
      case PromptBandit bandit -> new BanditReplay(run, ledger);
      case TokenMdp mdp when mdp.discount() == 0.0 -> new BanditReplay(run, ledger);
      case TokenMdp mdp -> new SequenceReplay(run, (SequenceRows) run.coupling(), ledger);
      case FiniteMdp mdp -> new MdpReplay(run, (MdpRows) run.coupling(), ledger);
    };
  }

  private Replay.ReplayListener progress() {
    long[] lastLine = {System.nanoTime()};
    return (outerIteration, outerIterations, gap) -> {
      long now = System.nanoTime();
      if ((now - lastLine[0]) * 1e-9 >= SECONDS_BETWEEN_LINES) {
        lastLine[0] = now;
        listener.note(
            String.format(
                Locale.ROOT,
                "  replayed %d of %d outer iterations, gap %.2e",
                outerIteration,
                outerIterations,
                gap));
      }
    };
  }

  private static long differingEntries(RowTable logits, RowTable stored) {
    double[] one = new double[logits.columns()];
    double[] other = new double[logits.columns()];
    long differing = 0;
    for (long row = 0; row < logits.rows(); row++) {
      logits.readRow(row, one);
      stored.readRow(row, other);
      for (int a = 0; a < one.length; a++) {
        differing += Double.compare(one[a], other[a]) == 0 ? 0 : 1;
      }
    }
    return differing;
  }

  /** What the proofs take for granted; returns the smallest reference probability. */
  private double observeAssumptions(LoadedRun run) {
    RowTable reference = run.problem().reference();
    double least = Double.POSITIVE_INFINITY;
    double[] row = new double[reference.columns()];
    for (long i = 0; i < reference.rows(); i++) {
      reference.readRow(i, row);
      least = Math.min(least, Arrays.stream(row).min().orElseThrow());
    }
    double minReference = Math.exp(least);
    ledger.declare(Claim.REFERENCE_POSITIVE, Standing.ASSUMPTION, null);
    ledger.observe(Claim.REFERENCE_POSITIVE, minReference, Double.MIN_NORMAL, 0.0, null);
    observeStart(run.problem());
    return minReference;
  }

  /** With a horizon all texts start in the first layer; the later ones are reached from there. */
  private void observeStart(Problem problem) {
    double[] start = problem.startDistribution();
    boolean hasLayers = problem instanceof TokenMdp mdp && mdp.horizon().isPresent();
    int first = problem instanceof TokenMdp mdp ? mdp.classes() : start.length;
    ledger.declare(
        Claim.START_POSITIVE,
        Standing.ASSUMPTION,
        hasLayers ? "of the states with all tokens left, from which the others are reached" : null);
    ledger.observe(
        Claim.START_POSITIVE,
        Arrays.stream(start, 0, first).min().orElseThrow(),
        Double.MIN_NORMAL,
        0.0,
        null);
  }

  /** The line that a failed certificate ends in; null when every binding claim holds. */
  public static @Nullable String failure(Certificate certificate) {
    List<Check> failures = certificate.failures();
    if (failures.isEmpty()) {
      return null;
    }
    Check first = failures.getFirst();
    return String.format(
        Locale.ROOT,
        "%s: %d of %d claims failed: %s: expected %s %.6g, got %.6g%s",
        certificate.source(),
        failures.size(),
        certificate.checks().size(),
        String.join("; ", failures.stream().map(Check::name).toList()),
        first.relation(),
        first.bound(),
        first.measured(),
        first.where() == null ? "" : " (" + first.where() + ")");
  }
}
