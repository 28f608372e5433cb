package dev.clipkl.comparison;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.clipkl.bench.InterleavedRounds;
import dev.clipkl.bench.MemoryBandwidth;
import dev.clipkl.bench.Spread;
import dev.clipkl.failure.CommandException;
import dev.clipkl.objective.Divergence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/** A process that measures one thing and writes it as JSON; {@link Comparison} starts it. */
final class Measurement {
  private static final int LEAST_ROUNDS = 5;

  /** Rows on which chunk sizes are tried: as many as the largest of them. */
  private static final int[] CHUNKS = {1, 4, 16, 64};

  private Measurement() {}

  /** {@code time|memory}, the file, V, N, threads, divergence, then seconds or contender, chunk. */
  public static void main(String[] arguments) throws Exception {
    try {
      Workload workload =
          new Workload(
              Integer.parseInt(arguments[2]),
              Integer.parseInt(arguments[3]),
              Integer.parseInt(arguments[4]));
      Divergence divergence = Divergence.parse(arguments[5]);
      Object result =
          arguments[0].equals("time")
              ? time(workload, divergence, Double.parseDouble(arguments[6]))
              : memory(
                  workload,
                  divergence,
                  ContenderKind.valueOf(arguments[6]),
                  Integer.parseInt(arguments[7]));
      new JsonMapper().writeValue(Path.of(arguments[1]).toFile(), result);
      // Threads of native libraries must not keep the process alive.
      System.exit(0);
    } catch (CommandException e) {
      System.err.println("clipkl: " + e.getMessage());
      System.exit(e.exitCode());
    }
  }

  /** Runs one contender as it was timed, and nobody else. */
  private static PeakMemory memory(
      Workload workload, Divergence divergence, ContenderKind kind, int chunk) {
    try (Contender contender = kind.open(workload, divergence, chunk)) {
      for (int innerSteps : Comparison.INNER_STEPS) {
        contender.outerIteration(innerSteps);
      }
      return new PeakMemory(
          kind,
          divergence.name(),
          chunk,
          PeakMemory.ofThisProcess(),
          (kind.isClipkl() ? 4 : 3) * workload.tableBytes());
    }
  }

  private record Candidate(
      ContenderKind kind,
      Contender contender,
      int innerSteps,
      int chunk,
      @Nullable Agreement agreement) {}

  private static Timings time(Workload workload, Divergence divergence, double seconds) {
    Map<Integer, Agreement.Oracle> oracles = new LinkedHashMap<>();
    for (int innerSteps : Comparison.INNER_STEPS) {
      oracles.put(innerSteps, new Agreement.Oracle(workload, divergence, innerSteps));
    }
    List<Candidate> candidates = new ArrayList<>();
    for (ContenderKind kind : ContenderKind.values()) {
      int chunk = kind.isChunked() ? fastestChunk(kind, workload, divergence) : 0;
      Contender contender = kind.open(workload, divergence, chunk);
      oracles.forEach((innerSteps, oracle) ->
          candidates.add(
              new Candidate(
                  kind,
                  contender,
                  innerSteps,
                  chunk,
                  kind.takesFixedSteps() ? oracle.check(kind.label(), contender) : null)));
    }
    try (MemoryBandwidth bandwidth = new MemoryBandwidth(workload.threads())) {
      List<DoubleSupplier> samplers = new ArrayList<>();
      samplers.add(bandwidth::sweep);
      for (Candidate candidate : candidates) {
        samplers.add(() -> sample(candidate, workload));
      }
      InterleavedRounds.Outcome outcome =
          new InterleavedRounds(LEAST_ROUNDS, seconds).measure(samplers);
      List<Timings.Line> lines = new ArrayList<>();
      for (int c = 0; c < candidates.size(); c++) {
        Candidate candidate = candidates.get(c);
        lines.add(
            new Timings.Line(
                candidate.kind(),
                candidate.innerSteps(),
                candidate.chunk(),
                outcome.spreads().get(c + 1),
                candidate.contender().acceptedSteps(candidate.innerSteps()),
                candidate.agreement()));
      }
      Spread memory = outcome.spreads().getFirst();
      return new Timings(
          workload.columns(),
          workload.rows(),
          divergence.name(),
          memory,
          outcome.warmUpRounds(),
          lines);
    }
  }

  /**
   * Seconds per entry and accepted inner step of one outer iteration, begun at the reference or a
   * set number of iterations later.
   */
  private static double sample(Candidate candidate, Workload workload) {
    Contender contender = candidate.contender();
    contender.reset();
    int settling = candidate.kind().settlingIterations(candidate.innerSteps());
    for (int n = 0; n < settling; n++) {
      contender.outerIteration(candidate.innerSteps());
    }
    double seconds = secondsOf(() -> contender.outerIteration(candidate.innerSteps()));
    return seconds
        / ((double) workload.rows()
            * workload.columns()
            * contender.acceptedSteps(candidate.innerSteps()));
  }

  /** The chunk with the least time per entry; the whole table is among those that are tried. */
  private static int fastestChunk(ContenderKind kind, Workload workload, Divergence divergence) {
    int fastest = 0;
    double least = Double.POSITIVE_INFINITY;
    List<Integer> chunks = new ArrayList<>();
    for (int chunk : CHUNKS) {
      if (chunk < workload.rows()) {
        chunks.add(chunk);
      }
    }
    chunks.add(workload.rows());
    for (int chunk : chunks) {
      int rows = Math.min(workload.rows(), Math.max(chunk, CHUNKS[CHUNKS.length - 1]));
      Workload trial = new Workload(workload.columns(), rows, workload.threads());
      try (Contender contender = kind.open(trial, divergence, chunk)) {
        double seconds = Double.POSITIVE_INFINITY;
        for (int n = 0; n < 3; n++) {
          seconds = Math.min(seconds, secondsOf(() -> contender.outerIteration(4)) / rows);
        }
        System.err.printf(
            "  %-18s chunk %4d: %6.2f ns per entry and step%n",
            kind.label(), chunk, seconds * 1e9 / (4.0 * workload.columns()));
        if (seconds < least) {
          least = seconds;
          fastest = chunk;
        }
      }
    }
    return fastest;
  }

  private static double secondsOf(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) * 1e-9;
  }
}
