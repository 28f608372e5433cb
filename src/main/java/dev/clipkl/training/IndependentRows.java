package dev.clipkl.training;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.problem.PromptBandit;
import java.util.Arrays;
import java.util.function.Function;

/** The rows of a bandit: Q is the reward, the visitation is the start distribution. */
final class IndependentRows implements RowCoupling {
  private final RowBlock block;
  private final double[] startDistribution;
  private final double optimum;

  /**
   * All rows of a bandit.
   *
   * @param optima of its objective, {@code [states]}
   */
  IndependentRows(PromptBandit bandit, RowOptimum[] optima, ActorState actor, WeightKind weights) {
    startDistribution = bandit.startDistribution();
    double[] rowWeights = startDistribution.clone();
    if (weights == WeightKind.ROW) {
      Arrays.fill(rowWeights, 1.0);
    }
    block =
        new RowBlock(
            actor, bandit.reference(), bandit.rewards(), rowWeights, optima, 0, bandit.states());
    optimum =
        RowCoupling.average(
            startDistribution, Arrays.stream(optima).mapToDouble(RowOptimum::value).toArray());
  }

  @Override
  public RowBlock block() {
    return block;
  }

  @Override
  public boolean rowsMeet() {
    return false;
  }

  @Override
  public void update() {}

  @Override
  public double[] weights() {
    return startDistribution;
  }

  @Override
  public double optimum() {
    return optimum;
  }

  @Override
  public double value(Function<RowMetric, double[]> rows) {
    return RowCoupling.average(startDistribution, rows.apply(RowMetric.VALUE));
  }

  @Override
  public double gap(Function<RowMetric, double[]> rows) {
    return RowCoupling.average(startDistribution, rows.apply(RowMetric.GAP));
  }

  @Override
  public double reward(Function<RowMetric, double[]> rows) {
    return RowCoupling.average(startDistribution, rows.apply(RowMetric.ACTION_VALUE));
  }
}
