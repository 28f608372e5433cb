package dev.clipkl.bench;

import java.util.Random;

/**
 * Rows that look like a language model's: a reference by Zipf's law over a random order of the
 * vocabulary, and normally distributed rewards. A row depends on its number and the seed alone, so
 * that everyone who is compared gets the same one without sharing memory.
 */
public final class SyntheticRows {
  private final int columns;
  private final long seed;
  private final float[] zipf;

  /**
   * Rows {@code [columns]}.
   *
   * @param columns the vocabulary's size, at least 1
   * @param seed any number
   */
  public SyntheticRows(int columns, long seed) {
    this.columns = columns;
    this.seed = seed;
    double harmonic = 0.0;
    for (int rank = columns; rank >= 1; rank--) {
      harmonic += 1.0 / rank;
    }
    zipf = new float[columns];
    for (int rank = 1; rank <= columns; rank++) {
      zipf[rank - 1] = (float) -(Math.log(rank) + Math.log(harmonic));
    }
  }

  /** Number of actions. */
  public int columns() {
    return columns;
  }

  /**
   * Writes one row's {@code log pi_ref}, nats, {@code -log rank - log H} in random order.
   *
   * @param logReference {@code [columns]}, overwritten
   */
  public void readReference(long row, float[] logReference) {
    Random random = new Random(seed ^ (0x9e3779b97f4a7c15L * (2 * row + 1)));
    // The inside-out shuffle: writes every entry once.
    for (int i = 0; i < columns; i++) {
      int j = random.nextInt(i + 1);
      logReference[i] = logReference[j];
      logReference[j] = zipf[i];
    }
  }

  /**
   * Writes one row's rewards, standard normal.
   *
   * @param rewards {@code [columns]}, overwritten
   */
  public void readRewards(long row, float[] rewards) {
    Random random = new Random(seed ^ (0x9e3779b97f4a7c15L * (2 * row + 2)));
    for (int a = 0; a < columns; a++) {
      rewards[a] = (float) random.nextGaussian();
    }
  }
}
