package dev.clipkl.audit;

import dev.clipkl.objective.Exponentials;
import java.util.Arrays;

/**
 * One row's laws: policy p, reference q and sampler mu, with the ratios that estimators take. One
 * object serves all rows, one after the other.
 */
final class AuditedRow {
  private final AuditInput input;
  private final double[] logPolicy;
  private final double[] logReference;
  private final double[] logSampler;

  /** p, {@code [actions]}. */
  final double[] policy;

  /** q, {@code [actions]}. */
  final double[] reference;

  /** mu, {@code [actions]}. */
  final double[] sampler;

  /** {@code rho = p / mu}, {@code [actions]}. */
  final double[] ratio;

  /** {@code q / p}, {@code [actions]}. */
  final double[] referenceOverPolicy;

  /** {@code p / q}, {@code [actions]}. */
  final double[] policyOverReference;

  AuditedRow(AuditInput input) {
    this.input = input;
    int actions = input.actions();
    logPolicy = new double[actions];
    logReference = new double[actions];
    policy = new double[actions];
    reference = new double[actions];
    boolean onPolicy = input.sampler() == null;
    logSampler = onPolicy ? logPolicy : new double[actions];
    sampler = onPolicy ? policy : new double[actions];
    ratio = new double[actions];
    Arrays.fill(ratio, 1.0);
    referenceOverPolicy = new double[actions];
    policyOverReference = new double[actions];
  }

  void read(long row) {
    input.policy().read(row, logPolicy);
    input.reference().read(row, logReference);
    if (input.sampler() != null) {
      input.sampler().read(row, logSampler);
    }
    for (int a = 0; a < policy.length; a++) {
      policy[a] = Math.exp(logPolicy[a]);
      reference[a] = Math.exp(logReference[a]);
      referenceOverPolicy[a] = Math.exp(logReference[a] - logPolicy[a]);
      policyOverReference[a] = Math.exp(logPolicy[a] - logReference[a]);
    }
    if (isOffPolicy()) {
      for (int a = 0; a < policy.length; a++) {
        sampler[a] = Math.exp(logSampler[a]);
        ratio[a] = Math.exp(logPolicy[a] - logSampler[a]);
      }
    }
  }

  /** Whether the sampler is another policy. */
  boolean isOffPolicy() {
    return input.sampler() != null;
  }

  /** {@code log q - log p}. */
  double logReferenceOverPolicy(int action) {
    return logReference[action] - logPolicy[action];
  }

  /** {@code log q - log mu}: what log q - log p was when the tokens were generated. */
  double logReferenceOverSampler(int action) {
    return logReference[action] - logSampler[action];
  }

  /** {@code KL(p || q)} as a sum of terms at least zero, nats. */
  double policyToReference() {
    return divergence(policy, logPolicy, reference, logReference);
  }

  /** {@code KL(q || p)} as a sum of terms at least zero, nats. */
  double referenceToPolicy() {
    return divergence(reference, logReference, policy, logPolicy);
  }

  /** {@code KL(mu || p)} as a sum of terms at least zero, nats. */
  double samplerToPolicy() {
    return divergence(sampler, logSampler, policy, logPolicy);
  }

  /**
   * {@code sum_a law_a (e^x - 1 - x)} with {@code x = log (other / law)}; far from zero as {@code
   * other - law (1 + x)}, which doesn't multiply a vanishing law by an infinite ratio.
   */
  private static double divergence(
      double[] law, double[] logLaw, double[] other, double[] logOther) {
    double sum = 0.0;
    for (int a = 0; a < law.length; a++) {
      double x = logOther[a] - logLaw[a];
      sum += x < 1.0 ? law[a] * Exponentials.expMinusLinear(x) : other[a] - law[a] * (1.0 + x);
    }
    return sum;
  }
}
