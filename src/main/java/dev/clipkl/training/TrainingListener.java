package dev.clipkl.training;

import dev.clipkl.metrics.MetricRecord;

/** Follows a run, and may ask it to stop. */
public interface TrainingListener {
  /** A line about what is happening. */
  default void note(String line) {}

  /** Every line of metrics of the run, those of earlier sessions first. */
  default void metrics(MetricRecord line) {}

  /** After every block of outer iterations; the actor may be read until this returns. */
  default void afterBlock(TrainingProgress progress) {}

  /** Looked at between blocks: whether to write a checkpoint and stop. */
  default boolean stopRequested() {
    return false;
  }
}
