package dev.clipkl.compare;

import dev.clipkl.metrics.MetricNames;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;

/** A direction of KL as what policies may spend. */
enum BudgetMeasure {
  POLICY_TO_REFERENCE(MetricNames.KL_POLICY_TO_REFERENCE, "KL(p||q)") {
    @Override
    Divergence divergence() {
      return new ReverseKl();
    }

    @Override
    double mean(MeasuredPolicy policy) {
      return policy.klPolicyToReference();
    }

    @Override
    double discountedSum(MeasuredPolicy policy) {
      return policy.discountedPolicyToReference();
    }
  },
  REFERENCE_TO_POLICY(MetricNames.KL_REFERENCE_TO_POLICY, "KL(q||p)") {
    @Override
    Divergence divergence() {
      return new ForwardKl();
    }

    @Override
    double mean(MeasuredPolicy policy) {
      return policy.klReferenceToPolicy();
    }

    @Override
    double discountedSum(MeasuredPolicy policy) {
      return policy.discountedReferenceToPolicy();
    }
  };

  private final String metric;
  private final String symbol;

  BudgetMeasure(String metric, String symbol) {
    this.metric = metric;
    this.symbol = symbol;
  }

  /** The metric's name. */
  String metric() {
    return metric;
  }

  /** For people. */
  String symbol() {
    return symbol;
  }

  /** The divergence whose optima have the most reward at any budget of this measure. */
  abstract Divergence divergence();

  /** Nats, mean over the states as metrics are. */
  abstract double mean(MeasuredPolicy policy);

  /** {@code sum_s d(s) KL_s}: in a bandit the mean. */
  abstract double discountedSum(MeasuredPolicy policy);
}
