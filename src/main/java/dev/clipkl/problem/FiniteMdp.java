package dev.clipkl.problem;

import dev.clipkl.table.RowTable;

/**
 * A discounted Markov decision process with finitely many states and actions, in float64: {@code
 * P(s' | s, a)}, {@code r(s, a)}, {@code gamma}, a start distribution and a reference policy.
 *
 * <p>Its rows meet once per outer iteration, through the state values V and the visitation d.
 */
public final class FiniteMdp implements Problem {
  private final RowTable transitions;
  private final RowTable reference;
  private final RowTable rewards;
  private final double[] startDistribution;
  private final double discount;
  private final String fingerprint;

  /**
   * A process over these tables, which are read and never changed.
   *
   * @param transitions {@code P(s' | s, a)}, {@code [states * actions, states]}, row {@code s *
   *     actions + a}; rows sum to 1
   * @param reference {@code log pi_ref}, normalised, nats, {@code [states, actions]}
   * @param rewards {@code [states, actions]}
   * @param startDistribution {@code u(s) > 0}, summing to 1
   * @param discount {@code gamma} in [0, 1)
   */
  public FiniteMdp(
      RowTable transitions,
      RowTable reference,
      RowTable rewards,
      double[] startDistribution,
      double discount) {
    long states = reference.rows();
    if (rewards.rows() != states
        || rewards.columns() != reference.columns()
        || transitions.rows() != states * reference.columns()
        || transitions.columns() != states
        || startDistribution.length != states) {
      throw new IllegalArgumentException(
          "transitions [%d, %d], reference [%d, %d], rewards [%d, %d] and %d start weights do not fit"
              .formatted(
                  transitions.rows(),
                  transitions.columns(),
                  states,
                  reference.columns(),
                  rewards.rows(),
                  rewards.columns(),
                  startDistribution.length));
    }
    if (!(discount >= 0.0 && discount < 1.0)) {
      throw new IllegalArgumentException("discount must be in [0, 1), got " + discount);
    }
    this.transitions = transitions;
    this.reference = reference;
    this.rewards = rewards;
    this.startDistribution = startDistribution.clone();
    this.discount = discount;
    fingerprint =
        new ProblemDigest("finite-mdp %d %d %s".formatted(states, reference.columns(), discount))
            .add(transitions)
            .add(reference)
            .add(rewards)
            .add(startDistribution)
            .hex();
  }

  @Override
  public RowTable reference() {
    return reference;
  }

  @Override
  public RowTable rewards() {
    return rewards;
  }

  @Override
  public double[] startDistribution() {
    return startDistribution.clone();
  }

  @Override
  public double discount() {
    return discount;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }

  /**
   * Reads {@code P(. | state, action)}.
   *
   * @param destination {@code [states]}
   */
  public void readTransitions(int state, int action, double[] destination) {
    transitions.readRow((long) state * actions() + action, destination);
  }
}
