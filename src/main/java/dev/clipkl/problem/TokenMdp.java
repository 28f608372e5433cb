package dev.clipkl.problem;

import dev.clipkl.table.ColumnGroups;
import dev.clipkl.table.RowTable;
import java.util.OptionalInt;

/**
 * Text, token by token, as a Markov decision process: a state is the class of the text's last
 * token, an action appends a token and leads to that token's class, or ends the text, after which
 * everything is worth 0 (THEORY 0, special case ii).
 *
 * <p>Transitions are deterministic and the same from every state, so that the action values are
 * {@code Q(s, a) = r(s, a) + gamma V(class(a))}: a reward row plus numbers that all rows share.
 *
 * <p>With a horizon H a text has at most H more tokens, and every class has a row for each number
 * of tokens that are left: states are {@code [H, classes]}, layer 0 with H tokens left first. Then
 * the discount may be 1.
 */
public final class TokenMdp implements Problem {
  private final RowTable classReference;
  private final RowTable classRewards;
  private final RowTable reference;
  private final RowTable rewards;
  private final ColumnGroups next;
  private final double[] startDistribution;
  private final double discount;
  private final OptionalInt horizon;
  private final String fingerprint;

  /**
   * A process over these tables, which are read and never changed.
   *
   * @param reference {@code log pi_ref}, normalised, nats, {@code [classes, tokens]}
   * @param rewards {@code r(s, a)}, {@code [classes, tokens]}
   * @param next the class that each token leads to; tokens of none end the text
   * @param startDistribution {@code u(s) >= 0}, summing to 1, {@code [classes]}, or with a horizon
   *     {@code [horizon * classes]}
   * @param discount in [0, 1), or in [0, 1] with a horizon
   * @param horizon most tokens of a text, at least 1; empty where there is no end but by a token
   */
  public TokenMdp(
      RowTable reference,
      RowTable rewards,
      ColumnGroups next,
      double[] startDistribution,
      double discount,
      OptionalInt horizon) {
    int layers = horizon.orElse(1);
    if (rewards.rows() != reference.rows()
        || rewards.columns() != reference.columns()
        || next.groups() != reference.rows()
        || next.columns() != reference.columns()
        || startDistribution.length != layers * reference.rows()) {
      throw new IllegalArgumentException(
          "reference [%d, %d], rewards [%d, %d], %d classes of %d tokens, %d start weights and"
                  .formatted(
                      reference.rows(),
                      reference.columns(),
                      rewards.rows(),
                      rewards.columns(),
                      next.groups(),
                      next.columns(),
                      startDistribution.length)
              + " %d layers do not fit".formatted(layers));
    }
    if (!(discount >= 0.0 && (horizon.isPresent() ? discount <= 1.0 : discount < 1.0))) {
      throw new IllegalArgumentException(
          "discount must be in [0, 1), or 1 with a horizon, got " + discount);
    }
    classReference = reference;
    classRewards = rewards;
    this.reference = RowTable.layered(reference, layers);
    this.rewards = RowTable.layered(rewards, layers);
    this.next = next;
    this.startDistribution = startDistribution.clone();
    this.discount = discount;
    this.horizon = horizon;
    fingerprint =
        new ProblemDigest(
                "token-mdp %d %d %s %d"
                    .formatted(reference.rows(), reference.columns(), discount, layers))
            .add(reference)
            .add(rewards)
            .add(next)
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

  /** {@code log pi_ref} of the classes, {@code [classes, tokens]}, nats. */
  public RowTable classReference() {
    return classReference;
  }

  /** {@code r(s, a)} of the classes, {@code [classes, tokens]}. */
  public RowTable classRewards() {
    return classRewards;
  }

  /** The class that each token leads to. */
  public ColumnGroups next() {
    return next;
  }

  /** Number of context classes. */
  public int classes() {
    return next.groups();
  }

  /** Most tokens of a text. */
  public OptionalInt horizon() {
    return horizon;
  }

  /** Rows of each class: the horizon, or 1 without one. */
  public int layers() {
    return horizon.orElse(1);
  }

  /** The class of a state. */
  public int classOf(int state) {
    return state % classes();
  }

  /**
   * The state after a token, or {@link ColumnGroups#NONE} when the text ends with it.
   *
   * @param state in {@code [0, states())}
   */
  public int next(int state, int token) {
    int group = next.group(token);
    if (group == ColumnGroups.NONE || horizon.isEmpty()) {
      return group;
    }
    int layer = state / classes() + 1;
    return layer == layers() ? ColumnGroups.NONE : layer * classes() + group;
  }
}
