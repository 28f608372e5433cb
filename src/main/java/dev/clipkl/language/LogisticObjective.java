package dev.clipkl.language;

import java.util.List;

/**
 * The regularised Bradley-Terry loss {@code F(w) = l2/2 |w|^2 + sum_i log(1 + exp(-w . x_i))} in
 * float64.
 */
final class LogisticObjective {
  private static final int MOST_CONJUGATE_GRADIENTS = 500;

  private final List<TokenCountDifference> pairs;
  private final double l2;

  LogisticObjective(List<TokenCountDifference> pairs, double l2) {
    this.pairs = pairs;
    this.l2 = l2;
  }

  /** {@code |grad F(w)|}, the Euclidean norm. */
  double gradientNorm(double[] weights) {
    double[] gradient = gradient(weights);
    return Math.sqrt(dot(gradient, gradient));
  }

  /** {@code grad F(w) = l2 w - sum_i sigmoid(-w . x_i) x_i}. */
  private double[] gradient(double[] weights) {
    double[] gradient = new double[weights.length];
    for (int i = 0; i < weights.length; i++) {
      gradient[i] = l2 * weights[i];
    }
    for (TokenCountDifference pair : pairs) {
      pair.addTo(gradient, -1 / (1 + Math.exp(pair.margin(weights))));
    }
    return gradient;
  }

  /**
   * {@code w - H(w)^-1 grad F(w)}, a full Newton step, the linear system solved by conjugate
   * gradients. Only right near the minimum, where it converges quadratically.
   */
  double[] newtonStep(double[] weights) {
    double[] next = weights.clone();
    double[] residual = gradient(weights);
    double[] direction = residual.clone();
    double squared = dot(residual, residual);
    double enough = squared * 1e-12;
    for (int step = 0; step < MOST_CONJUGATE_GRADIENTS && squared > enough; step++) {
      double[] curved = hessianTimes(weights, direction);
      double length = squared / dot(direction, curved);
      for (int i = 0; i < next.length; i++) {
        next[i] -= length * direction[i];
        residual[i] -= length * curved[i];
      }
      double before = squared;
      squared = dot(residual, residual);
      for (int i = 0; i < next.length; i++) {
        direction[i] = residual[i] + squared / before * direction[i];
      }
    }
    return next;
  }

  /**
   * {@code H(w) v = l2 v + sum_i s_i (1 - s_i) (x_i . v) x_i} with {@code s_i = sigmoid(w . x_i)}.
   */
  private double[] hessianTimes(double[] weights, double[] vector) {
    double[] product = new double[vector.length];
    for (int i = 0; i < vector.length; i++) {
      product[i] = l2 * vector[i];
    }
    for (TokenCountDifference pair : pairs) {
      double sigmoid = 1 / (1 + Math.exp(-pair.margin(weights)));
      pair.addTo(product, sigmoid * (1 - sigmoid) * pair.margin(vector));
    }
    return product;
  }

  private static double dot(double[] left, double[] right) {
    double sum = 0;
    for (int i = 0; i < left.length; i++) {
      sum += left[i] * right[i];
    }
    return sum;
  }

  /** The mean of {@code log(1 + exp(-w . x))}, nats per pair; NaN for no pairs. */
  static double logLoss(List<TokenCountDifference> pairs, double[] weights) {
    double sum = 0;
    for (TokenCountDifference pair : pairs) {
      double margin = pair.margin(weights);
      sum += Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
    }
    return sum / pairs.size();
  }

  /** The fraction of pairs with {@code w . x > 0}; a tie counts one half; NaN for no pairs. */
  static double accuracy(List<TokenCountDifference> pairs, double[] weights) {
    double correct = 0;
    for (TokenCountDifference pair : pairs) {
      double margin = pair.margin(weights);
      correct += margin > 0 ? 1 : margin == 0 ? 0.5 : 0;
    }
    return correct / pairs.size();
  }
}
