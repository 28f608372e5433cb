package dev.clipkl.kernels;

import dev.clipkl.engine.vector.VectorLoops;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** The vector engine's innermost loops on data in the first-level cache: nanoseconds per entry. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@OperationsPerInvocation(VectorLoops.ENTRIES)
@Warmup(iterations = 12, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class LoopBenchmark {
  private VectorLoops loops = new VectorLoops(new ReverseKl());

  /**
   * Fills a chunk; for each iteration anew, since its place in the heap decides part of the time.
   */
  @Setup(Level.Iteration)
  public void fill() {
    loops = new VectorLoops(new ReverseKl());
  }

  /** The loops that depend on the divergence. */
  @State(Scope.Thread)
  public static class Sweeps {
    /** The divergence's name. */
    @Param({"reverse-kl", "forward-kl"})
    public String divergence = "reverse-kl";

    private VectorLoops loops = new VectorLoops(new ReverseKl());

    /** Fills a chunk. */
    @Setup(Level.Iteration)
    public void fill() {
      loops = new VectorLoops(Divergence.parse(divergence));
    }
  }

  /** Own exponential. */
  @Benchmark
  public float exponential() {
    return loops.exponential();
  }

  /** The Vector API's. */
  @Benchmark
  public float exponentialOfTheVectorApi() {
    return loops.exponentialOfTheVectorApi();
  }

  /** A sum of 16 accumulators. */
  @Benchmark
  public double sum() {
    return loops.sum();
  }

  /** A sum of products. */
  @Benchmark
  public double sumOfProducts() {
    return loops.sumOfProducts();
  }

  /** A streamed step's first loop. */
  @Benchmark
  public void streamedMove(Sweeps sweeps) {
    sweeps.loops.streamedMove();
  }

  /** Its second. */
  @Benchmark
  public double streamedMeasure(Sweeps sweeps) {
    return sweeps.loops.streamedMeasure();
  }

  /** The first loop of a step of a row in hand. */
  @Benchmark
  public void inHandMove(Sweeps sweeps) {
    sweeps.loops.inHandMove();
  }

  /** Its second. */
  @Benchmark
  public void inHandMeasure(Sweeps sweeps) {
    sweeps.loops.inHandMeasure();
  }
}
