package dev.clipkl.audit;

/** The exact gradient of a divergence with respect to one row's logits, row after row. */
final class TrueGradient {
  private final double[] gradient;
  private double squared;
  private double mean;
  private double policySquared;

  TrueGradient(int actions) {
    gradient = new double[actions];
  }

  /** Of {@code KL(p || q)}: {@code t_a = p_a (log w_a - KL)}, {@code w = p / q} (THEORY 1.1). */
  void setReverse(AuditedRow row) {
    double divergence = 0.0;
    for (int a = 0; a < gradient.length; a++) {
      divergence -= row.policy[a] * row.logReferenceOverPolicy(a);
    }
    for (int a = 0; a < gradient.length; a++) {
      gradient[a] = row.policy[a] * (-row.logReferenceOverPolicy(a) - divergence);
    }
    summarise(row);
  }

  /** Of {@code KL(q || p)}: {@code t_a = p_a - q_a} (THEORY 1.10). */
  void setForward(AuditedRow row) {
    for (int a = 0; a < gradient.length; a++) {
      gradient[a] = row.policy[a] - row.reference[a];
    }
    summarise(row);
  }

  private void summarise(AuditedRow row) {
    squared = 0.0;
    mean = 0.0;
    policySquared = 0.0;
    for (int a = 0; a < gradient.length; a++) {
      squared += gradient[a] * gradient[a];
      mean += row.policy[a] * gradient[a];
      policySquared += row.policy[a] * row.policy[a];
    }
  }

  /** t, {@code [actions]}. */
  double[] gradient() {
    return gradient;
  }

  /** {@code |t|^2}. */
  double squared() {
    return squared;
  }

  /** {@code E_p[t] = <p, t>}. */
  double meanGradient() {
    return mean;
  }

  /** {@code |p|^2}. */
  double policySquared() {
    return policySquared;
  }
}
