package dev.clipkl.sequence;

import dev.clipkl.bench.MemoryBandwidth;
import dev.clipkl.config.RunConfig;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.exact.TokenChain;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.training.LoadedRun;
import dev.clipkl.training.SequenceRows;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.IntSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Outer iterations of a configured sequence problem, each part timed: row programs, the pass that
 * evaluates the policy, and the sweeps over its chain beside the machine's memory bandwidth.
 */
@Command(name = "sequence", mixinStandardHelpOptions = true, usageHelpAutoWidth = true)
final class SequenceScale implements Callable<Integer> {
  /** Sweeps read float64 masses. */
  private static final int BYTES_PER_MASS = Double.BYTES;

  @Parameters(paramLabel = "CONFIG", description = "A configuration of problem.kind sequence.")
  private Path config = Path.of("examples/sequence.yaml");

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "As for train.")
  private List<String> overrides = List.of();

  @Option(names = "--iterations", defaultValue = "5", description = "Timed outer iterations.")
  private int iterations;

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new SequenceScale()).execute(arguments));
  }

  @Override
  public Integer call() {
    RunConfig run = RunConfig.read(config, overrides);
    long start = System.nanoTime();
    try (LoadedRun loaded = LoadedRun.open(run, line -> System.out.println(line))) {
      System.out.printf(
          Locale.ROOT, "load and exact optimum: %.1f s%n", (System.nanoTime() - start) * 1e-9);
      time(loaded);
    }
    return 0;
  }

  private void time(LoadedRun loaded) {
    TokenMdp mdp = (TokenMdp) loaded.problem();
    SequenceRows rows = (SequenceRows) loaded.coupling();
    RowResults results = new RowResults(1, mdp.states(), loaded.program().innerSteps());
    double[] programs = new double[iterations];
    double[] updates = new double[iterations];
    // The first iteration is warm-up.
    for (int n = -1; n < iterations; n++) {
      double program =
          seconds(() -> loaded.engine().run(rows.block(), loaded.program(), 1, results));
      double update = seconds(rows::update);
      if (n >= 0) {
        programs[n] = program;
        updates[n] = update;
      }
    }
    double entries = (double) mdp.states() * mdp.actions();
    int steps = loaded.program().innerSteps();
    System.out.printf(
        Locale.ROOT,
        "row programs       %.3f s an outer iteration, %.2f ns per entry and inner step%n",
        median(programs),
        median(programs) * 1e9 / entries / steps);
    System.out.printf(
        Locale.ROOT,
        "evaluation         %.3f s, %.2f ns per entry (metrics, masses, sweeps)%n",
        median(updates),
        median(updates) * 1e9 / entries);
    timeSweeps(mdp, rows, loaded.config().run().threadCount());
  }

  private void timeSweeps(TokenMdp mdp, SequenceRows rows, int threadCount) {
    try (RowThreads threads = new RowThreads(threadCount);
        MemoryBandwidth memory = new MemoryBandwidth(threadCount)) {
      TokenChain chain = new TokenChain(mdp, rows.masses(), threads);
      double[] values = new double[iterations];
      double[] visits = new double[iterations];
      double[] limit = new double[iterations];
      double[] b = rows.values();
      for (int n = -1; n < iterations; n++) {
        double value = secondsPerSweep(() -> chain.values(b).sweeps());
        double visit = secondsPerSweep(() -> chain.visitation().sweeps());
        double bandwidth = MemoryBandwidth.BYTES_PER_ENTRY / memory.sweep();
        if (n >= 0) {
          values[n] = value;
          visits[n] = visit;
          limit[n] = bandwidth;
        }
      }
      double bytes = (double) mdp.states() * mdp.classes() * BYTES_PER_MASS;
      System.out.printf(Locale.ROOT, "memory             %.1f GB/s%n", median(limit) * 1e-9);
      print("sweep for V", bytes / median(values), median(limit), chain.values(b).sweeps());
      print("sweep for d", bytes / median(visits), median(limit), chain.visitation().sweeps());
    }
  }

  private static void print(String name, double bytesPerSecond, double limit, int sweeps) {
    System.out.printf(
        Locale.ROOT,
        "%-18s %.1f GB/s, %.0f%% of the memory's, %d sweeps an evaluation%n",
        name,
        bytesPerSecond * 1e-9,
        100.0 * bytesPerSecond / limit,
        sweeps);
  }

  private static double secondsPerSweep(IntSupplier solve) {
    long start = System.nanoTime();
    int sweeps = solve.getAsInt();
    return (System.nanoTime() - start) * 1e-9 / sweeps;
  }

  private static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) * 1e-9;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
