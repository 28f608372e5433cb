package dev.clipkl.training;

import dev.clipkl.metrics.MetricRecord;

/**
 * How a run ended.
 *
 * @param reason why
 * @param progress where
 * @param first metrics of the first policy of this session: iteration 0, or the checkpoint's
 */
public record TrainingResult(StopReason reason, TrainingProgress progress, MetricRecord first) {}
