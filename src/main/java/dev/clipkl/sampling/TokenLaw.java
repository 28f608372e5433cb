package dev.clipkl.sampling;

import java.util.Arrays;

/**
 * The law of one state's next token, {@code p_a = exp((theta_a - max) / temperature) / Z} on the
 * most probable tokens that {@code topP} leaves and 0 elsewhere.
 *
 * <p>It keeps a running sum of weights per block of tokens. So a draw costs one block's
 * exponentials, and the laws of all states take little memory beside their logits.
 */
final class TokenLaw {
  /** Tokens between two stored sums. */
  private static final int BLOCK = 512;

  private final double temperature;
  private final double largest;

  /** The least logit that is drawn, and the last id among the tokens that have just this one. */
  private final double leastLogit;

  private final int lastOfLeast;

  /** The sum of all weights up to each block's end, added in token order. */
  private final double[] cumulative;

  private final double logTotal;

  private TokenLaw(
      double temperature, double largest, double leastLogit, int lastOfLeast, double[] cumulative) {
    this.temperature = temperature;
    this.largest = largest;
    this.leastLogit = leastLogit;
    this.lastOfLeast = lastOfLeast;
    this.cumulative = cumulative;
    logTotal = Math.log(cumulative[cumulative.length - 1]);
  }

  /**
   * A state's law.
   *
   * @param logits {@code [tokens]}, finite
   * @param policy receives the probabilities, {@code [tokens]}
   */
  static TokenLaw of(double[] logits, SamplingSettings settings, double[] policy) {
    double largest = Arrays.stream(logits).max().orElseThrow();
    TokenLaw all =
        of(
            settings.temperature(),
            largest,
            Double.NEGATIVE_INFINITY,
            logits.length,
            logits,
            policy);
    TokenLaw law = settings.topP() < 1.0 ? all.nucleus(settings.topP(), logits, policy) : all;
    double total = law.total();
    for (int a = 0; a < policy.length; a++) {
      policy[a] /= total;
    }
    return law;
  }

  private static TokenLaw of(
      double temperature,
      double largest,
      double leastLogit,
      int lastOfLeast,
      double[] logits,
      double[] weights) {
    double[] cumulative = new double[Math.ceilDiv(logits.length, BLOCK)];
    TokenLaw law = new TokenLaw(temperature, largest, leastLogit, lastOfLeast, cumulative);
    double sum = 0.0;
    for (int a = 0; a < logits.length; a++) {
      weights[a] = law.weight(a, logits[a]);
      sum += weights[a];
      cumulative[a / BLOCK] = sum;
    }
    return new TokenLaw(temperature, largest, leastLogit, lastOfLeast, cumulative);
  }

  private TokenLaw nucleus(double topP, double[] logits, double[] weights) {
    double[] ascending = logits.clone();
    Arrays.sort(ascending);
    double wanted = topP * total();
    double mass = 0.0;
    int kept = 0;
    while (kept < ascending.length && mass < wanted) {
      mass += Math.exp((ascending[ascending.length - ++kept] - largest) / temperature);
    }
    double least = ascending[ascending.length - kept];
    int ofLeast = kept - (int) Arrays.stream(logits).filter(logit -> logit > least).count();
    int last = -1;
    while (ofLeast > 0) {
      last++;
      ofLeast -= logits[last] == least ? 1 : 0;
    }
    return of(temperature, largest, least, last, logits, weights);
  }

  private double total() {
    return cumulative[cumulative.length - 1];
  }

  private double weight(int token, double logit) {
    return isDrawn(token, logit) ? Math.exp((logit - largest) / temperature) : 0.0;
  }

  private boolean isDrawn(int token, double logit) {
    return logit > leastLogit || (logit == leastLogit && token <= lastOfLeast);
  }

  /** {@code log p_a} in nats, minus infinity for a token that is never drawn. */
  double logProbability(int token, double logit) {
    return isDrawn(token, logit)
        ? (logit - largest) / temperature - logTotal
        : Double.NEGATIVE_INFINITY;
  }

  /**
   * Inverts the cumulative law: the first token, in the order of ids, whose cumulative mass is
   * above a uniform number.
   *
   * @param uniform in [0, 1)
   * @param logits those that the law was made of
   */
  int draw(double uniform, double[] logits) {
    // The product may round up to the total itself, beyond every entry.
    double target = Math.min(uniform * total(), Math.nextDown(total()));
    int block = firstAbove(target);
    double sum = block == 0 ? 0.0 : cumulative[block - 1];
    int token = block * BLOCK - 1;
    // The same additions as when the sums were made, so that they pass the target in this block.
    while (!(sum > target)) {
      token++;
      sum += weight(token, logits[token]);
    }
    return token;
  }

  private int firstAbove(double target) {
    int low = 0;
    int high = cumulative.length - 1;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (cumulative[middle] > target) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}
