package dev.clipkl.bench;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;

/** Times the row programs of some engines on the same synthetic rows, by turns. */
public final class EngineBench {
  private static final long SEED = 1;
  private static final int LEAST_ROUNDS = 5;

  /** So that warm-up and the least number of rounds fit into the time that was asked for. */
  private static final int EXPECTED_ROUNDS = 9;

  private final BenchSettings settings;
  private final List<Engine> engines;

  /** A measurement of engines that have {@code settings.threads()} threads. */
  public EngineBench(BenchSettings settings, List<Engine> engines) {
    this.settings = settings;
    this.engines = List.copyOf(engines);
  }

  private record Candidate(Engine engine, BenchMethod method, TimedRows timed) {}

  /**
   * Fills the tables and measures.
   *
   * @throws dev.clipkl.failure.EnvironmentException when the tables do not fit into memory
   */
  public BenchResult run(MemoryBudget budget) {
    budget.require(memory(), "lower --rows or --vocabulary");
    try (Arena arena = Arena.ofShared();
        MemoryBandwidth bandwidth = new MemoryBandwidth(settings.threads())) {
      List<Candidate> candidates = candidates(arena);
      List<DoubleSupplier> samplers = new ArrayList<>();
      samplers.add(bandwidth::sweep);
      candidates.forEach(candidate -> samplers.add(candidate.timed()));
      InterleavedRounds.Outcome outcome =
          new InterleavedRounds(LEAST_ROUNDS, settings.seconds()).measure(samplers);
      return result(candidates, outcome);
    }
  }

  private List<MemoryBudget.Item> memory() {
    long states = settings.rows();
    int columns = settings.columns();
    long single = RowTable.allocatedBytes(RowTable.Precision.FLOAT32, states, columns);
    List<MemoryBudget.Item> items = new ArrayList<>();
    items.add(new MemoryBudget.Item("reference", single));
    items.add(new MemoryBudget.Item("rewards", single));
    items.add(new MemoryBudget.Item("bandwidth sweep", MemoryBandwidth.heapBytes()));
    for (Engine engine : engines) {
      String name = engine.kind().configName();
      items.add(
          new MemoryBudget.Item(
              name + " policy",
              RowTable.allocatedBytes(engine.kind().precision(), states, columns)));
      items.add(
          new MemoryBudget.Item(
              name + " scratch", engine.scratchBytes(columns, OptimizerKind.GRADIENT)));
    }
    return items;
  }

  private List<Candidate> candidates(Arena arena) {
    RowTable reference = RowTable.allocate(arena, settings.rows(), settings.columns());
    RowTable rewards = RowTable.allocate(arena, settings.rows(), settings.columns());
    SyntheticRows synthetic = new SyntheticRows(settings.columns(), SEED);
    float[] row = new float[settings.columns()];
    for (int r = 0; r < settings.rows(); r++) {
      synthetic.readReference(r, row);
      reference.writeRow(r, row);
      synthetic.readRewards(r, row);
      rewards.writeRow(r, row);
    }
    double sampleSeconds =
        settings.seconds()
            / (EXPECTED_ROUNDS
                * engines.size()
                * settings.divergences().size()
                * settings.innerSteps().size()
                * BenchMethod.values().length);
    List<ActorState> actors =
        engines.stream()
            .map(engine ->
                ActorState.allocate(
                    arena,
                    engine.kind().precision(),
                    settings.rows(),
                    settings.columns(),
                    OptimizerKind.GRADIENT))
            .toList();
    List<Candidate> candidates = new ArrayList<>();
    for (Divergence divergence : settings.divergences()) {
      // Optima do not depend on the engine beyond rounding: the first one solves for all.
      RowOptimum[] optima =
          RowOptima.solve(engines.getFirst(), divergence, BenchMethod.LAMBDA, reference, rewards);
      for (int e = 0; e < engines.size(); e++) {
        Engine engine = engines.get(e);
        for (BenchMethod method : BenchMethod.values()) {
          for (int innerSteps : settings.innerSteps()) {
            TimedRows few =
                new TimedRows(
                    engine,
                    method.program(divergence, innerSteps),
                    actors.get(e),
                    reference,
                    rewards,
                    optima,
                    Math.min(settings.rows(), settings.threads()));
            candidates.add(new Candidate(engine, method, few));
          }
        }
      }
    }
    // Twice: what is timed first would run on colder code than what comes after it.
    candidates.forEach(candidate -> rows(candidate.timed(), 0.5 * sampleSeconds));
    return candidates.stream()
        .map(candidate ->
            new Candidate(
                candidate.engine(),
                candidate.method(),
                candidate.timed().withRows(rows(candidate.timed(), 0.5 * sampleSeconds))))
        .toList();
  }

  /**
   * As many rows as fit into a sample's time, by the least time that a few of them have taken:
   * interpreted code would make the samples far too small.
   */
  private int rows(TimedRows few, double sampleSeconds) {
    long begin = System.nanoTime();
    double least = Double.POSITIVE_INFINITY;
    do {
      long start = System.nanoTime();
      few.getAsDouble();
      least = Math.min(least, (System.nanoTime() - start) * 1e-9);
    } while ((System.nanoTime() - begin) * 1e-9 < sampleSeconds);
    return Math.clamp((long) (sampleSeconds / least * few.rows()), few.rows(), settings.rows());
  }

  private BenchResult result(List<Candidate> candidates, InterleavedRounds.Outcome outcome) {
    Spread memory = outcome.spreads().getFirst().times(1e9);
    double bandwidth = MemoryBandwidth.BYTES_PER_ENTRY / memory.median();
    List<BenchLine> lines = new ArrayList<>();
    for (int c = 0; c < candidates.size(); c++) {
      Candidate candidate = candidates.get(c);
      TimedRows timed = candidate.timed();
      Spread nanoseconds = outcome.spreads().get(c + 1).times(1e9);
      double gigabytes = MemoryBandwidth.BYTES_PER_ENTRY / nanoseconds.median();
      lines.add(
          new BenchLine(
              candidate.engine().kind().configName(),
              timed.program().divergence().name(),
              candidate.method().label(),
              timed.program().innerSteps(),
              timed.rows(),
              timed.acceptedSteps(),
              timed.rejectedSteps(),
              nanoseconds,
              1e9 / nanoseconds.median(),
              gigabytes,
              gigabytes / bandwidth));
    }
    return new BenchResult(
        settings.columns(),
        settings.threads(),
        engines.stream().map(Engine::description).toList(),
        memory,
        bandwidth,
        memory.samples(),
        outcome.warmUpRounds(),
        lines);
  }
}
