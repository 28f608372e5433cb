package dev.clipkl.audit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An estimator as a source of gradients. With t the true gradient, g the expected one, both over
 * all rows and logits:
 *
 * @param estimator {@link KlEstimator#label}
 * @param placement {@link GradientPlacement#label}
 * @param coefficient {@link GradientPlacement#formula}
 * @param relativeBias {@code |g - t| / |t|}
 * @param cosine {@code <g, t> / (|g| |t|)}
 * @param projection {@code <g, t> / |t|^2}; 1 for an unbiased gradient
 * @param covarianceTrace of one sample's gradient, rows included, exact
 * @param relativeNoise {@code sqrt(covarianceTrace) / |t|}: one sample's noise
 * @param samplesWhereNoiseEqualsBias {@code covarianceTrace / |g - t|^2}: with more samples than
 *     this the bias is the larger error
 * @param relativeRmsErrors per sample size {@code sqrt(|g - t|^2 + covarianceTrace / n) / |t|}
 * @param reason why a number is missing; null where none is
 * @param sampled one per sample size: the sampled gradient's projection on t
 */
public record GradientAudit(
    String estimator,
    String placement,
    String coefficient,
    double relativeBias,
    double cosine,
    double projection,
    double covarianceTrace,
    double relativeNoise,
    double samplesWhereNoiseEqualsBias,
    List<Double> relativeRmsErrors,
    @Nullable String reason,
    List<SampledEstimate> sampled) {}
