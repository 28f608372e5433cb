package dev.clipkl.problem;

import dev.clipkl.table.RowTable;
import java.util.Arrays;

/**
 * One state per prompt, one action per vocabulary token, and the episode ends: {@code gamma = 0},
 * so Q is the reward, the visitation is the start distribution, and rows never meet.
 */
public final class PromptBandit implements Problem {
  private final RowTable reference;
  private final RowTable rewards;
  private final double[] startDistribution;
  private final String fingerprint;

  /**
   * A bandit over these tables, which are read and never changed.
   *
   * @param reference normalised log-probabilities, {@code [prompts, tokens]}
   * @param rewards {@code [prompts, tokens]}, possibly one row for all prompts
   * @param weights relative weights of the prompts, above 0; normalised here
   */
  public PromptBandit(RowTable reference, RowTable rewards, double[] weights) {
    if (rewards.rows() != reference.rows()
        || rewards.columns() != reference.columns()
        || weights.length != reference.rows()) {
      throw new IllegalArgumentException(
          "reference [%d, %d], rewards [%d, %d] and %d weights do not fit"
              .formatted(
                  reference.rows(),
                  reference.columns(),
                  rewards.rows(),
                  rewards.columns(),
                  weights.length));
    }
    this.reference = reference;
    this.rewards = rewards;
    double total = Arrays.stream(weights).sum();
    this.startDistribution = Arrays.stream(weights).map(w -> w / total).toArray();
    this.fingerprint =
        new ProblemDigest("prompt-bandit %d %d".formatted(states(), actions()))
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
    return 0.0;
  }

  @Override
  public String fingerprint() {
    return fingerprint;
  }
}
