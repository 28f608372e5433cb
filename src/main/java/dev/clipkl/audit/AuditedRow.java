package dev.clipkl.audit;

import dev.clipkl.objective.Exponentials;

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
      sampler[a] = Math.exp(logSampler[a]);
      ratio[a] = Math.exp(logPolicy[a] - logSampler[a]);
    }
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
    return divergence(policy, logPolicy, logReference);
  }

  /** {@code KL(q || p)} as a sum of terms at least zero, nats. */
  double referenceToPolicy() {
    return divergence(reference, logReference, logPolicy);
  }

  /** {@code KL(mu || p)} as a sum of terms at least zero, nats. */
  double samplerToPolicy() {
    return divergence(sampler, logSampler, logPolicy);
  }

  private static double divergence(double[] law, double[] log, double[] logOther) {
    double sum = 0.0;
    for (int a = 0; a < law.length; a++) {
      sum += law[a] * Exponentials.expMinusLinear(logOther[a] - log[a]);
    }
    return sum;
  }

  /**
   * The gradient of {@code KL(p || q)} with respect to the row's logits, {@code p_a (log w_a - KL)}
   * (THEORY 1.1 with THEORY 1.9's f').
   *
   * @param gradient {@code [actions]}, overwritten
   */
  void reverseGradient(double[] gradient) {
    double mean = 0.0;
    for (int a = 0; a < policy.length; a++) {
      mean -= policy[a] * logReferenceOverPolicy(a);
    }
    for (int a = 0; a < policy.length; a++) {
      gradient[a] = policy[a] * (-logReferenceOverPolicy(a) - mean);
    }
  }

  /**
   * The gradient of {@code KL(q || p)} with respect to the row's logits, {@code p_a - q_a} (THEORY
   * 1.10).
   *
   * @param gradient {@code [actions]}, overwritten
   */
  void forwardGradient(double[] gradient) {
    for (int a = 0; a < policy.length; a++) {
      gradient[a] = policy[a] - reference[a];
    }
  }
}
