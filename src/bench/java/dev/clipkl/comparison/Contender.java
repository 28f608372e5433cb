package dev.clipkl.comparison;

/**
 * A program that takes inner steps on a whole table: {@code theta += step * g}, with g the exact
 * gradient of the clipped surrogate less lambda times the divergence.
 */
interface Contender extends AutoCloseable {

  /** Makes the policy the reference again. */
  void reset();

  /** Freezes p_old and the advantages, then takes this many inner steps on every row. */
  void outerIteration(int innerSteps);

  /**
   * Inner steps per row and outer iteration that the latest one has accepted; with a constant step
   * it is all of them.
   */
  default double acceptedSteps(int innerSteps) {
    return innerSteps;
  }

  /**
   * Copies the logits of a row.
   *
   * @param destination {@code [actions]}
   */
  void readLogits(int row, float[] destination);

  @Override
  void close();
}
