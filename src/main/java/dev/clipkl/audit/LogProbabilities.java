package dev.clipkl.audit;

/** A table of log-probabilities, read row by row. */
@FunctionalInterface
public interface LogProbabilities {
  /**
   * Reads one row.
   *
   * @param row its number
   * @param destination {@code [actions]}, nats; normalised in float64, every entry finite
   */
  void read(long row, double[] destination);
}
