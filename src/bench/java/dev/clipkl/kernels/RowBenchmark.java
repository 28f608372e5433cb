package dev.clipkl.kernels;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.bench.SyntheticRows;
import dev.clipkl.bench.TimedRows;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One row of the vector engine on one thread, which stays in cache: what is left when memory is out
 * of the way. Each invocation but those without metrics begins at the reference; copying it there
 * is part of the time, about 1% of sixteen steps.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 10, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class RowBenchmark {
  /** The divergence's name. */
  @Param({"reverse-kl", "forward-kl", "js", "chi2", "hellinger2", "alpha(1.5)"})
  public String divergence = "reverse-kl";

  /** The vocabulary's size. */
  @Param("128256")
  public int vocabulary = 128_256;

  private final Arena arena = Arena.ofShared();
  private final Engine engine = new VectorEngine(1);
  private RowTable reference = RowTable.allocate(arena, 1, 1);
  private RowTable rewards = reference;
  private TimedRows oneStep = program(BenchMethod.FIXED, 1);
  private TimedRows sixteenSteps = oneStep;
  private TimedRows sixteenCertifiedSteps = oneStep;

  /** Fills one row. */
  @Setup(Level.Trial)
  public void fill() {
    reference = RowTable.allocate(arena, 1, vocabulary);
    rewards = RowTable.allocate(arena, 1, vocabulary);
    SyntheticRows rows = new SyntheticRows(vocabulary, 1);
    float[] row = new float[vocabulary];
    rows.readReference(0, row);
    reference.writeRow(0, row);
    rows.readRewards(0, row);
    rewards.writeRow(0, row);
    oneStep = program(BenchMethod.FIXED, 1);
    sixteenSteps = program(BenchMethod.FIXED, 16);
    sixteenCertifiedSteps = program(BenchMethod.PRACTICAL, 16);
    oneStep.reset();
  }

  private TimedRows program(BenchMethod method, int innerSteps) {
    Divergence parsed = Divergence.parse(divergence);
    RowProgram program = method.program(parsed, innerSteps);
    ActorState actor =
        ActorState.allocate(
            arena, engine.kind().precision(), 1, reference.columns(), program.optimizer());
    return new TimedRows(
        engine,
        program,
        actor,
        reference,
        rewards,
        RowOptima.solve(engine, parsed, BenchMethod.LAMBDA, reference, rewards),
        1);
  }

  /** One constant step, with the metrics of its outer iteration. */
  @Benchmark
  public double oneFixedStep() {
    return run(oneStep);
  }

  /** One constant step without metrics, from where the one before has led. */
  @Benchmark
  public void oneFixedStepWithoutMetrics() {
    oneStep.runUnreported();
  }

  /** Sixteen constant steps: the difference to one is fifteen bare steps. */
  @Benchmark
  public double sixteenFixedSteps() {
    return run(sixteenSteps);
  }

  /** Sixteen steps of the recommended optimizer by backtracking. */
  @Benchmark
  public double sixteenCertifiedSteps() {
    return run(sixteenCertifiedSteps);
  }

  private static double run(TimedRows program) {
    program.reset();
    program.run();
    return program.acceptedSteps();
  }

  /** The row's exact optimum with its error bound. */
  @Benchmark
  public RowOptimum[] exactOptimum() {
    return RowOptima.solve(
        engine, Divergence.parse(divergence), BenchMethod.LAMBDA, reference, rewards);
  }

  /** Ends the engine's thread. */
  @TearDown(Level.Trial)
  public void close() {
    engine.close();
    arena.close();
  }
}
