package dev.clipkl.language;

import dev.clipkl.failure.InputException;
import java.util.Arrays;
import java.util.List;

/** A fitted {@link BradleyTerry} model and how good it is. */
public final class PreferenceFit {
  /** A regularisation strength that was tried, and its log-loss on the pairs kept back for that. */
  public record GridPoint(double l2, double validationLogLoss) {}

  private final double[] weights;
  private final double low;
  private final double high;
  private final double l2;
  private final double tolerance;
  private final List<GridPoint> grid;
  private final List<TokenCountDifference> training;
  private final List<TokenCountDifference> heldOut;

  PreferenceFit(
      double[] weights,
      double l2,
      double tolerance,
      List<GridPoint> grid,
      List<TokenCountDifference> training,
      List<TokenCountDifference> heldOut) {
    this.weights = weights;
    low = Arrays.stream(weights).min().orElseThrow();
    high = Arrays.stream(weights).max().orElseThrow();
    this.l2 = l2;
    this.tolerance = tolerance;
    this.grid = grid;
    this.training = training;
    this.heldOut = heldOut;
  }

  /** The log-odds per token, {@code [vocabularySize]}; 0 for tokens in no training pair. */
  public double[] weights() {
    return weights.clone();
  }

  /** The regularisation strength used. */
  public double l2() {
    return l2;
  }

  /** The gradient norm that was asked for. */
  public double tolerance() {
    return tolerance;
  }

  /** The Euclidean norm of the objective's gradient at the weights; at most the tolerance. */
  public double gradientNorm() {
    return new LogisticObjective(training, l2).gradientNorm(weights);
  }

  /** What was tried to choose {@link #l2}; empty where it was given. */
  public List<GridPoint> grid() {
    return grid;
  }

  /**
   * Whether {@link #l2} was chosen at an end of the grid, so that a value beyond it might do
   * better: worth a word to the user.
   */
  public boolean isL2AtGridEnd() {
    return !grid.isEmpty() && (l2 == grid.getFirst().l2() || l2 == grid.getLast().l2());
  }

  /** The pairs that the weights were fitted on. */
  public int trainingPairs() {
    return training.size();
  }

  /** The pairs kept back to measure the fit. */
  public int heldOutPairs() {
    return heldOut.size();
  }

  /** Training pairs whose completions have equal token counts: they say nothing. */
  public long uninformativePairs() {
    return training.stream().filter(pair -> pair.size() == 0).count();
  }

  /** Tokens with a weight other than 0. */
  public long weightedTokens() {
    return Arrays.stream(weights).filter(weight -> weight != 0).count();
  }

  /** The fraction of training pairs ranked rightly; ties count one half. */
  public double trainingAccuracy() {
    return LogisticObjective.accuracy(training, weights);
  }

  /** The fraction of held-out pairs ranked rightly; ties count one half. */
  public double heldOutAccuracy() {
    return LogisticObjective.accuracy(heldOut, weights);
  }

  /** The mean of {@code log(1 + exp(-w . x))} over held-out pairs, nats; chance is log 2. */
  public double heldOutLogLoss() {
    return LogisticObjective.logLoss(heldOut, weights);
  }

  /**
   * The rewards {@code r(a) = rMax (w(a) - min w) / (max w - min w)}, in {@code [0, rMax]}, {@code
   * [vocabularySize]}.
   *
   * @throws InputException if {@code rMax} isn't finite and {@code > 0}, or all weights are equal
   */
  public float[] rewards(double rMax) {
    requireScale(rMax);
    float[] rewards = new float[weights.length];
    for (int token = 0; token < weights.length; token++) {
      rewards[token] = (float) scaled(weights[token], rMax);
    }
    return rewards;
  }

  /** The reward of every token in no training pair (weight 0), which need not be 0. */
  public double unseenReward(double rMax) {
    requireScale(rMax);
    return scaled(0, rMax);
  }

  private double scaled(double weight, double rMax) {
    return rMax * ((weight - low) / (high - low));
  }

  private void requireScale(double rMax) {
    if (!(rMax > 0) || Double.isInfinite(rMax)) {
      throw new InputException("r_max must be finite and > 0, got " + rMax);
    }
    if (!(low < high)) {
      throw new InputException("the preference pairs cancel out: every token has the same weight");
    }
  }
}
