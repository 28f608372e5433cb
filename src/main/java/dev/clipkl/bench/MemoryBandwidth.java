package dev.clipkl.bench;

import dev.clipkl.engine.RowThreads;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The memory traffic of an inner step without its arithmetic: {@code d = (a + b + c + d) / 4} over
 * float32 arrays far larger than the last cache, 4 reads and 1 write in place.
 *
 * <p>That is what an inner step moves whose row does not stay in cache: it reads the logits, the
 * reference, the action values and p_old, and writes the logits. {@code d} is read and written, so
 * that no cache line is fetched only to be overwritten.
 */
public final class MemoryBandwidth implements AutoCloseable {
  /** Bytes of one entry: 4 reads and 1 write of float32. */
  public static final int BYTES_PER_ENTRY = 5 * Float.BYTES;

  /** Entries of each of the four arrays: 256 MiB together, beyond any last-level cache share. */
  private static final int ENTRIES = 1 << 24;

  /** Sweeps after which the compiled loop runs; the first take up to ten times as long. */
  private static final int WARM_UP_SWEEPS = 12;

  private final RowThreads threads;
  private final List<Integer> workers;
  private final float[] a = new float[ENTRIES];
  private final float[] b = new float[ENTRIES];
  private final float[] c = new float[ENTRIES];
  private final float[] d = new float[ENTRIES];

  /** Bytes of the Java heap that a measurement takes. */
  public static long heapBytes() {
    return 4L * ENTRIES * Float.BYTES;
  }

  /**
   * Allocates and fills the arrays, and warms the sweep up.
   *
   * @param threads at least 1
   */
  public MemoryBandwidth(int threads) {
    this.threads = new RowThreads(threads);
    workers = IntStream.range(0, threads).boxed().toList();
    Arrays.fill(a, 1f);
    Arrays.fill(b, 1f);
    Arrays.fill(c, 1f);
    for (int i = 0; i < WARM_UP_SWEEPS; i++) {
      sweep();
    }
    Arrays.fill(d, 0f);
  }

  /** Sweeps once; returns seconds per entry, all threads together. */
  public double sweep() {
    long start = System.nanoTime();
    threads.visit(workers, 0, workers.size(), (worker, slice) -> sweep(slice));
    return (System.nanoTime() - start) * 1e-9 / ENTRIES;
  }

  private void sweep(int slice) {
    int start = (int) ((long) ENTRIES * slice / workers.size());
    int end = (int) ((long) ENTRIES * (slice + 1) / workers.size());
    sweep(a, b, c, d, start, end);
  }

  /** A method of its own on plain arrays, which the JIT compiler turns into vector code. */
  private static void sweep(float[] a, float[] b, float[] c, float[] d, int start, int end) {
    for (int i = start; i < end; i++) {
      d[i] = 0.25f * (a[i] + b[i] + c[i] + d[i]);
    }
  }

  /** The least entry of d: 0 before the first sweep, 3/4 after it, and nearer to 1 with each. */
  float leastEntry() {
    float least = d[0];
    for (float entry : d) {
      least = Math.min(least, entry);
    }
    return least;
  }

  @Override
  public void close() {
    threads.close();
  }
}
