package dev.clipkl.comparison;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.failure.CheckFailedException;
import dev.clipkl.failure.CommandException;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.failure.InputException;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.table.MemoryBudget;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code ./run.sh benchmarks}: measures in processes of their own, one per vocabulary and
 * divergence for the times and one per contender for its memory, and writes report, plot and data.
 */
@Command(
    name = "benchmarks",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description =
        "Times clipkl beside LibTorch and ND4J, which are checked to compute the same first, and"
            + " writes a report with a plot. The defaults need 16 GB of memory and an otherwise"
            + " idle machine for long; --rows 64 and one vocabulary take minutes.")
final class Comparison implements Runnable {
  /** The values of K that are timed: one step per visit to a row, and many. */
  static final List<Integer> INNER_STEPS = List.of(1, 16);

  /** Tables that all contenders hold together: three each, scratch, and autograd's graph. */
  private static final int MOST_TABLES = 50;

  @Option(
      names = "--vocabulary",
      split = ",",
      paramLabel = "V,V",
      defaultValue = "128256,32000,200019",
      description =
          "Vocabulary sizes; targets and memory are those of the first (default: all of"
              + " ${DEFAULT-VALUE}).")
  private List<Integer> vocabularies = List.of();

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "256",
      description = "Rows of every table (default: ${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--threads",
      paramLabel = "N",
      defaultValue = "2",
      description = "Threads of every contender (default: ${DEFAULT-VALUE}).")
  private int threads;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "60",
      description =
          "Measuring time per vocabulary and divergence; five rounds are run at the least (default:"
              + " ${DEFAULT-VALUE}).")
  private double seconds;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      defaultValue = "docs/benchmarks",
      description = "Where the files go (default: ${DEFAULT-VALUE}).")
  private Path out = Path.of("");

  /** Everything that was measured. */
  record Results(String command, int threads, List<Timings> timings, List<PeakMemory> memory) {}

  /** Runs the comparison and ends with its exit code. */
  public static void main(String[] arguments) {
    // The report's numbers are written with points, wherever it is made.
    Locale.setDefault(Locale.ROOT);
    Comparison comparison = new Comparison();
    int exitCode =
        new CommandLine(comparison)
            .setExecutionExceptionHandler((e, command, parsed) -> {
              if (e instanceof CommandException known) {
                System.err.println("clipkl: " + known.getMessage());
                return known.exitCode();
              }
              throw e;
            })
            .setExecutionStrategy(parsed -> {
              comparison.command = String.join(" ", parsed.originalArgs());
              return new CommandLine.RunLast().execute(parsed);
            })
            .execute(arguments);
    System.exit(exitCode);
  }

  private String command = "";

  @Override
  public void run() {
    check();
    try {
      Files.createDirectories(out);
      Results results = measure();
      new JsonMapper()
          .writerWithDefaultPrettyPrinter()
          .writeValue(out.resolve("comparison.json").toFile(), results);
      ComparisonPlot.write(results, out.resolve("comparison.png"));
      Files.writeString(out.resolve("README.md"), new ComparisonReport(results).markdown());
      System.err.println("written: " + out.resolve("README.md"));
    } catch (IOException e) {
      throw new EnvironmentException(
          "the results cannot be written to %s: %s".formatted(out, e), e);
    }
  }

  private void check() {
    for (int columns : vocabularies) {
      if (columns < 2 || columns > 1 << 24) {
        throw new InputException("--vocabulary must be from 2 to 16777216, got " + columns);
      }
    }
    if (rows < 1 || threads < 1 || !(seconds > 0.0)) {
      throw new InputException(
          "--rows and --threads must be at least 1 and --seconds above 0, got %d, %d and %s"
              .formatted(rows, threads, seconds));
    }
    int largest = vocabularies.stream().max(Integer::compare).orElseThrow();
    MemoryBudget.detect()
        .require(
            List.of(
                new MemoryBudget.Item(
                    MOST_TABLES + " tables",
                    MOST_TABLES * new Workload(largest, rows, threads).tableBytes()),
                new MemoryBudget.Item("the Java heap", Runtime.getRuntime().maxMemory())),
            "lower --rows");
  }

  private Results measure() throws IOException {
    List<Divergence> divergences = List.of(new ReverseKl(), new ForwardKl());
    List<Timings> timings = new ArrayList<>();
    for (int columns : vocabularies) {
      for (Divergence divergence : divergences) {
        Workload workload = new Workload(columns, rows, threads);
        timings.add(
            measureIn(
                Timings.class, "time", workload, divergence, List.of(Double.toString(seconds))));
      }
    }
    List<PeakMemory> memory = new ArrayList<>();
    Workload first = new Workload(vocabularies.getFirst(), rows, threads);
    for (ContenderKind kind : ContenderKind.values()) {
      Timings.Line timed = timings.getFirst().line(kind, INNER_STEPS.getLast());
      memory.add(
          measureIn(
              PeakMemory.class,
              "memory",
              first,
              divergences.getFirst(),
              List.of(kind.name(), Integer.toString(timed.chunk()))));
    }
    return new Results(("./run.sh benchmarks " + command).strip(), threads, timings, memory);
  }

  /** A fresh JVM with this one's options, set up as the contenders' best users would. */
  private static <T> T measureIn(
      Class<T> type, String what, Workload workload, Divergence divergence, List<String> more)
      throws IOException {
    Path file = Files.createTempFile("clipkl-benchmark", ".json");
    try {
      List<String> line = new ArrayList<>();
      line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      line.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      // JavaCPP would otherwise refuse memory beyond the heap's size and collect garbage first.
      line.add("-Dorg.bytedeco.javacpp.maxbytes=0");
      line.add("-Dorg.bytedeco.javacpp.maxphysicalbytes=0");
      line.addAll(List.of("-cp", System.getProperty("java.class.path")));
      line.add(Measurement.class.getName());
      line.addAll(
          List.of(
              what,
              file.toString(),
              Integer.toString(workload.columns()),
              Integer.toString(workload.rows()),
              Integer.toString(workload.threads()),
              divergence.name()));
      line.addAll(more);
      System.err.printf(
          "%s %,d x %,d %s %s%n",
          what, workload.rows(), workload.columns(), divergence.name(), String.join(" ", more));
      ProcessBuilder builder = new ProcessBuilder(line).inheritIO();
      String count = Integer.toString(workload.threads());
      builder
          .environment()
          .putAll(
              Map.of(
                  // Huge pages: LibTorch spends most of its time on page faults without them.
                  "THP_MEM_ALLOC_ENABLE",
                  "1",
                  "OMP_NUM_THREADS",
                  count,
                  "OPENBLAS_NUM_THREADS",
                  count,
                  // Threads that spin after their work would slow the next contender down.
                  "OMP_WAIT_POLICY",
                  "passive"));
      int exitCode = builder.start().waitFor();
      if (exitCode == 1) {
        throw new CheckFailedException("nothing was written, see above");
      }
      if (exitCode != 0) {
        throw new EnvironmentException("a measurement ended with exit code " + exitCode);
      }
      return new JsonMapper().readValue(file.toFile(), type);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EnvironmentException("interrupted", e);
    } finally {
      Files.deleteIfExists(file);
    }
  }
}
