package dev.clipkl.cli;

import dev.clipkl.bench.BenchResult;
import dev.clipkl.bench.BenchSettings;
import dev.clipkl.bench.EngineBench;
import dev.clipkl.config.EngineChoice;
import dev.clipkl.engine.Engine;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.training.EngineSelection;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code clipkl bench}: the engines of this machine, timed beside its memory. */
@Command(
    name = "bench",
    description =
        "Times the engines on synthetic rows, as training runs them: one outer iteration per visit"
            + " to a row, metrics included. Beside them stands what this machine's memory needs to"
            + " move 20 bytes per entry (4 reads, 1 write), measured in the same rounds.",
    footer = {"  ./run.sh bench", "  ./run.sh bench --vocabulary 128256 --rows 64 --engine vector"})
final class BenchCommand implements Runnable {
  private static final int LARGEST_VOCABULARY = 1 << 24;
  private static final int MOST_ROWS = 1 << 20;
  private static final int MOST_INNER_STEPS = 1 << 12;
  private static final int MOST_THREADS = 1 << 10;
  private static final double LONGEST = 86_400.0;

  @Mixin private final ResultOutput output = new ResultOutput();

  @Option(
      names = "--vocabulary",
      paramLabel = "V",
      defaultValue = "128256",
      description = "Actions of a row (default: ${DEFAULT-VALUE}, Llama 3's vocabulary).")
  private int vocabulary;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "256",
      description =
          "Rows of the tables (default: ${DEFAULT-VALUE}); a slow engine is timed on fewer.")
  private int rows;

  @Option(
      names = "--inner-steps",
      paramLabel = "K,K",
      split = ",",
      defaultValue = "1,16",
      description = "Inner steps of a visit to a row (default: ${DEFAULT-VALUE}).")
  private List<Integer> innerSteps = List.of();

  @Option(
      names = "--divergence",
      paramLabel = "D,D",
      split = ",",
      defaultValue = "reverse-kl,forward-kl",
      description = "As objective.divergence of a configuration (default: ${DEFAULT-VALUE}).")
  private List<String> divergences = List.of();

  @Option(
      names = "--engine",
      paramLabel = "E,E",
      split = ",",
      description =
          "As run.engine of a configuration (default: all that work here, but for the oracle"
              + " reference, which is tens of times slower).")
  private List<EngineChoice> choices = List.of();

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "0",
      description = "CPU threads; 0 takes all cores (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "60",
      description =
          "Time for warm-up and measurement together; five rounds are run at the least (default:"
              + " ${DEFAULT-VALUE}).")
  private double seconds;

  /**
   * What was timed, and what could not be.
   *
   * @param notTimed engine to reason
   */
  record Report(BenchResult result, SequencedMap<String, String> notTimed) {}

  @Override
  public void run() {
    BenchSettings settings = settings();
    SequencedMap<String, String> notTimed = new TreeMap<>();
    List<Engine> engines = new ArrayList<>();
    try {
      open(settings.threads(), engines, notTimed);
      output
          .narration()
          .printf("timing %d engines for about %.0f seconds ...%n", engines.size(), seconds);
      output.narration().flush();
      BenchResult result = new EngineBench(settings, engines).run(MemoryBudget.detect());
      Report report = new Report(result, notTimed);
      output.print(report, out -> new BenchTable(report).print(out));
    } finally {
      engines.forEach(Engine::close);
    }
  }

  /** An engine demanded by name works or fails; otherwise those that work are taken. */
  private void open(int count, List<Engine> engines, SequencedMap<String, String> notTimed) {
    for (EngineChoice choice : new LinkedHashSet<>(choices)) {
      engines.add(EngineSelection.open(choice, count).engine());
    }
    if (!choices.isEmpty()) {
      return;
    }
    for (EngineChoice choice : EngineChoice.values()) {
      if (choice == EngineChoice.REFERENCE) {
        notTimed.put("reference", "the oracle, tens of times slower; --engine reference times it");
      } else if (choice != EngineChoice.AUTO) {
        try {
          engines.add(EngineSelection.open(choice, count).engine());
        } catch (EnvironmentException e) {
          notTimed.put(choice.name().toLowerCase(Locale.ROOT), e.getMessage());
        }
      }
    }
  }

  private BenchSettings settings() {
    requireRange("--vocabulary", vocabulary, 2, LARGEST_VOCABULARY);
    requireRange("--rows", rows, 1, MOST_ROWS);
    requireRange("--threads", threads, 0, MOST_THREADS);
    innerSteps.forEach(steps -> requireRange("--inner-steps", steps, 1, MOST_INNER_STEPS));
    if (!(seconds > 0.0 && seconds <= LONGEST)) {
      throw new InputException(
          "--seconds must be in (0, %.0f], got %s".formatted(LONGEST, seconds));
    }
    return new BenchSettings(
        vocabulary,
        rows,
        List.copyOf(new LinkedHashSet<>(innerSteps)),
        new LinkedHashSet<>(divergences).stream().map(BenchCommand::divergence).toList(),
        threads == 0 ? Runtime.getRuntime().availableProcessors() : threads,
        seconds);
  }

  private static Divergence divergence(String name) {
    try {
      return Divergence.parse(name);
    } catch (IllegalArgumentException e) {
      throw new InputException("--divergence: " + e.getMessage(), e);
    }
  }

  private static void requireRange(String option, int value, int least, int largest) {
    if (value < least || value > largest) {
      throw new InputException(
          "%s must be from %d to %d, got %d".formatted(option, least, largest, value));
    }
  }
}
