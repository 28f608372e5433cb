package dev.clipkl.certify;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How fast a run closes its gap, predicted at the optimum and measured.
 *
 * @param predictedPerStep the gap's predicted factor per inner step in the tail, {@code max (1 -
 *     eta mu)^2} over the slowest row (THEORY 4.5); null where the steps have no such prediction
 * @param measuredPerStep the measured factor per outer iteration to the power {@code 1 / K}; null
 *     where the tail has no settled linear rate
 * @param measuredLower lower end of its 95 % interval
 * @param measuredUpper upper end of its 95 % interval
 * @param muMin smallest non-zero eigenvalue of the negated Hessian at the optimum, over all rows:
 *     lambda and the row's weight included
 * @param muMax largest
 * @param predictedRawGradientSteps steps of size 1 / L that plain gradient ascent would need from
 *     the start to the tolerance; infinite (null in JSON) where the optimum has zeros
 * @param tolerance the tolerance that is meant
 * @param guarantee what is proven about this problem and divergence, in words
 * @param notes what a reader should know
 */
public record Rate(
    @Nullable Double predictedPerStep,
    @Nullable Double measuredPerStep,
    @Nullable Double measuredLower,
    @Nullable Double measuredUpper,
    double muMin,
    double muMax,
    double predictedRawGradientSteps,
    double tolerance,
    String guarantee,
    List<String> notes) {}
