package dev.clipkl.kernels;

import dev.clipkl.bench.MemoryBandwidth;
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

/** The sweep that {@code clipkl bench} measures memory with: 16.8 million entries of 20 bytes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class MemoryBenchmark {
  /** Threads of the sweep. */
  @Param({"1", "2"})
  public int threads = 1;

  private MemoryBandwidth bandwidth = new MemoryBandwidth(1);

  /** Allocates the arrays. */
  @Setup(Level.Trial)
  public void allocate() {
    bandwidth.close();
    bandwidth = new MemoryBandwidth(threads);
  }

  /** One sweep. */
  @Benchmark
  public double sweep() {
    return bandwidth.sweep();
  }

  /** Ends the threads. */
  @TearDown(Level.Trial)
  public void close() {
    bandwidth.close();
  }
}
