package dev.clipkl.training;

import dev.clipkl.engine.ActorState;
import dev.clipkl.metrics.MetricRecord;
import java.util.function.Supplier;

/**
 * Where a run stands between two blocks of outer iterations: all that a checkpoint needs.
 *
 * @param outerIteration outer iterations done
 * @param seconds seconds of training so far, all sessions of the run together
 * @param latest metrics after that iteration
 * @param stalled whether that iteration moved no row: the next would not either
 * @param rowMetrics the rows' metrics after it, {@code [metrics, states]}; shared, not to be
 *     changed
 * @param actor the policy and the optimizer's state, brought from wherever the engine holds them
 */
@SuppressWarnings("ArrayRecordComponent") // A view for listeners; never compared.
public record TrainingProgress(
    int outerIteration,
    double seconds,
    MetricRecord latest,
    boolean stalled,
    double[][] rowMetrics,
    Supplier<ActorState> actor) {}
