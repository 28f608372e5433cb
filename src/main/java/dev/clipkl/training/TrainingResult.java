package dev.clipkl.training;

import dev.clipkl.metrics.MetricRecord;

/**
 * How a session of a run ended.
 *
 * @param reason why
 * @param progress where
 * @param first metrics of the first policy of this session: iteration 0, or the checkpoint's
 * @param spent where the time went, all sessions of the run together
 */
public record TrainingResult(
    StopReason reason, TrainingProgress progress, MetricRecord first, PhaseSeconds spent) {
  TrainingResult withSpent(PhaseSeconds all) {
    return new TrainingResult(reason, progress, first, all);
  }
}
