package dev.clipkl.audit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An estimator as a number to report.
 *
 * @param estimator {@link KlEstimator#label}
 * @param formula {@link KlEstimator#formula}
 * @param weight {@link ValueWeight#label}
 * @param expectation exact, nats
 * @param bias expectation less target, nats
 * @param variance of one sample, rows included, exact, nats^2
 * @param reason why a number is missing; null where none is
 * @param sampled one per sample size
 */
public record ValueAudit(
    String estimator,
    String formula,
    String weight,
    double expectation,
    double bias,
    double variance,
    @Nullable String reason,
    List<SampledEstimate> sampled) {}
