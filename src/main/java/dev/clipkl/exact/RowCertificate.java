package dev.clipkl.exact;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.objective.Divergence;

/**
 * What the theory says of one row at one policy, measured in float64.
 *
 * @param gap distance to the row optimum
 * @param lojasiewicz the row's Lojasiewicz inequality and gap certificate (THEORY 4.1)
 * @param logDirectionKappa {@code log kappa_h} of the optimizer's direction ({@link
 *     LojasiewiczRow}); NaN for directions with memory
 * @param bounds the row's part of the curvature bounds (THEORY 3.1, 3.2)
 * @param curvature {@code |v^T H v|} of the row's value along its normalised gradient v (THEORY
 *     1.7)
 * @param meanAbsoluteAdvantage {@code E_p |y - E_p y|}
 * @param minLogProbability {@code min_a log p_a}, nats
 * @param optimumSpan {@code span(log p - log p*)}, nats; infinite where the optimum has zeros
 * @param minLogToOptimum {@code min_a (log p_a - log p*_a)}, nats
 * @param leastConcavity {@code min_a f''(w_a) / q_a}, at least m_s (THEORY 1.9)
 */
public record RowCertificate(
    double gap,
    LojasiewiczRow lojasiewicz,
    double logDirectionKappa,
    CurvatureBounds bounds,
    double curvature,
    double meanAbsoluteAdvantage,
    double minLogProbability,
    double optimumSpan,
    double minLogToOptimum,
    double leastConcavity) {

  /**
   * Measures one row.
   *
   * @param optimizer whose direction {@code logDirectionKappa} is for
   * @param optimum of the row with these action values
   * @param logOptimum {@code log p*}, nats, {@code [actions]}
   * @param logPolicy {@code log p}, normalised, nats, {@code [actions]}
   * @param logReference {@code log q}, normalised, nats, {@code [actions]}
   * @param actionValues y, {@code [actions]}
   */
  public static RowCertificate measure(
      Divergence divergence,
      double lambda,
      OptimizerKind optimizer,
      RowOptimum optimum,
      double[] logOptimum,
      double[] logPolicy,
      double[] logReference,
      double[] actionValues) {
    int actions = logPolicy.length;
    double[] coefficients = new double[actions];
    double[] curvature = new double[actions];
    double[] probabilities = new double[actions];
    double meanValue = 0.0;
    double minLogProbability = Double.POSITIVE_INFINITY;
    double minLogToOptimum = Double.POSITIVE_INFINITY;
    double maxLogToOptimum = Double.NEGATIVE_INFINITY;
    double leastLogConcavity = Double.POSITIVE_INFINITY;
    for (int a = 0; a < actions; a++) {
      double logRatio = logPolicy[a] - logReference[a];
      coefficients[a] = actionValues[a] - lambda * divergence.derivative(logRatio);
      curvature[a] = divergence.curvature(logRatio);
      probabilities[a] = Math.exp(logPolicy[a]);
      meanValue += probabilities[a] * actionValues[a];
      minLogProbability = Math.min(minLogProbability, logPolicy[a]);
      double toOptimum = logPolicy[a] - logOptimum[a];
      minLogToOptimum = Math.min(minLogToOptimum, toOptimum);
      maxLogToOptimum = Math.max(maxLogToOptimum, toOptimum);
      leastLogConcavity =
          Math.min(leastLogConcavity, divergence.logSecondDerivative(logRatio) - logReference[a]);
    }
    double meanAbsoluteAdvantage = 0.0;
    for (int a = 0; a < actions; a++) {
      meanAbsoluteAdvantage += probabilities[a] * Math.abs(actionValues[a] - meanValue);
    }
    LojasiewiczRow lojasiewicz =
        LojasiewiczRow.of(divergence, lambda, logReference, logPolicy, logOptimum, coefficients);
    return new RowCertificate(
        RowGap.of(divergence, lambda, optimum, logPolicy, logReference, actionValues),
        lojasiewicz,
        switch (optimizer) {
          case GRADIENT -> Math.log(lambda) + lojasiewicz.logKappa();
          case NATURAL, NEWTON, PRECONDITIONED ->
              LojasiewiczRow.logPreconditionedKappa(
                  divergence,
                  logReference,
                  logPolicy,
                  logOptimum,
                  Preconditioner.of(divergence, optimizer, curvature));
          case NESTEROV, ADAM -> Double.NaN;
        },
        CurvatureBounds.ofRow(divergence, lambda, logReference, logPolicy, actionValues),
        curvatureAlongGradient(lambda, probabilities, coefficients, curvature),
        meanAbsoluteAdvantage,
        minLogProbability,
        maxLogToOptimum - minLogToOptimum,
        minLogToOptimum,
        Math.exp(leastLogConcavity));
  }

  /**
   * {@code |E_p[(G - E_p G - lambda w f'') (v - E_p v)^2]|} for the normalised gradient v (THEORY
   * 1.7); 0 where there is no gradient to look along.
   */
  private static double curvatureAlongGradient(
      double lambda, double[] probabilities, double[] coefficients, double[] curvature) {
    double mean = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      mean += probabilities[a] * coefficients[a];
    }
    double largest = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      largest = Math.max(largest, probabilities[a] * Math.abs(coefficients[a] - mean));
    }
    if (largest == 0.0) {
      return 0.0;
    }
    double squaredNorm = 0.0;
    double meanGradient = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      // Divided by the largest entry first: squares of tiny gradients would underflow.
      double gradient = probabilities[a] * (coefficients[a] - mean) / largest;
      squaredNorm += gradient * gradient;
      meanGradient += probabilities[a] * gradient;
    }
    double second = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      double deviation = probabilities[a] * (coefficients[a] - mean) / largest - meanGradient;
      second +=
          probabilities[a]
              * (coefficients[a] - mean - lambda * curvature[a])
              * deviation
              * deviation;
    }
    return Math.abs(second) / squaredNorm;
  }
}
