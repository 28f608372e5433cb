package dev.clipkl.training;

import dev.clipkl.engine.ActorState;
import dev.clipkl.metrics.MetricRecord;

/**
 * Where a run stands between two blocks of outer iterations: all that a checkpoint needs.
 *
 * @param outerIteration outer iterations done
 * @param seconds seconds of training so far, all sessions of the run together
 * @param latest metrics after that iteration
 * @param actor the policy and the optimizer's state
 */
public record TrainingProgress(
    int outerIteration, double seconds, MetricRecord latest, ActorState actor) {}
