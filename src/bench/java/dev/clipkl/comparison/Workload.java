package dev.clipkl.comparison;

import dev.clipkl.bench.SyntheticRows;

/**
 * The problem that everyone gets.
 *
 * @param columns V, the vocabulary
 * @param rows N
 * @param threads of every contender
 */
record Workload(int columns, int rows, int threads) {
  private static final long SEED = 1;

  /** One table {@code [rows, columns]} of float32, bytes. */
  long tableBytes() {
    return (long) rows * columns * Float.BYTES;
  }

  /** The rows' contents. */
  SyntheticRows synthetic() {
    return new SyntheticRows(columns, SEED);
  }
}
