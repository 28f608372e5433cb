package dev.clipkl.compare;

import java.util.Arrays;

/**
 * What of a reference row its policies are held against.
 *
 * <p>The head T is the fewest most probable tokens that hold {@link #HEAD_SHARE} of the row's mass;
 * of equally probable ones the lower ids belong to it. The tail is every token below {@link
 * #TAIL_PROBABILITY}.
 *
 * @param threshold log q of the least probable token of the head
 * @param lastAtThreshold the highest id of the head's tokens with that probability
 * @param headMass {@code sum_{a in T} q_a}
 * @param tailMass q's mass on the tail
 */
record ReferenceRow(double threshold, int lastAtThreshold, double headMass, double tailMass) {
  static final double HEAD_SHARE = 0.9;
  static final double TAIL_PROBABILITY = 1e-6;

  /**
   * Of one row.
   *
   * @param logReference log q, nats, {@code [actions]}
   */
  static ReferenceRow of(double[] logReference) {
    double[] sorted = logReference.clone();
    Arrays.sort(sorted);
    double total = 0.0;
    double tail = 0.0;
    for (double logMass : sorted) {
      double mass = Math.exp(logMass);
      total += mass;
      tail += mass < TAIL_PROBABILITY ? mass : 0.0;
    }
    double head = 0.0;
    int least = sorted.length;
    while (least > 0 && head < HEAD_SHARE * total) {
      least--;
      head += Math.exp(sorted[least]);
    }
    double threshold = sorted[least];
    int atThreshold = 0;
    for (int i = least; i < sorted.length && sorted[i] == threshold; i++) {
      atThreshold++;
    }
    int last = -1;
    while (atThreshold > 0) {
      last++;
      atThreshold -= logReference[last] == threshold ? 1 : 0;
    }
    return new ReferenceRow(threshold, last, head, tail);
  }

  /** Whether a token belongs to the head. */
  boolean isHead(int action, double logReference) {
    return logReference > threshold || (logReference == threshold && action <= lastAtThreshold);
  }
}
