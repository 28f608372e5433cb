package dev.clipkl.training;

/** Follows a run. */
public interface TrainingListener {
  /** After every block of outer iterations; the actor may be read until this returns. */
  void afterBlock(TrainingProgress progress);
}
