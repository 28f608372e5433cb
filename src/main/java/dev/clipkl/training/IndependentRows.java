package dev.clipkl.training;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.problem.Problem;
import java.util.Arrays;
import java.util.function.Function;

/**
 * Rows that never meet: of a bandit, or of a token MDP with discount 0. Q is the reward, the
 * visitation is the start distribution.
 */
final class IndependentRows implements RowCoupling {
  private final RowBlock block;
  private final double[] startDistribution;
  private final RowOptimum[] optima;
  private final double optimum;

  /**
   * All rows of a problem with discount 0.
   *
   * @param optima of its objective, {@code [states]}
   */
  IndependentRows(Problem problem, RowOptimum[] optima, ActorState actor, WeightKind weights) {
    startDistribution = problem.startDistribution();
    double[] rowWeights = startDistribution.clone();
    if (weights == WeightKind.ROW) {
      Arrays.fill(rowWeights, 1.0);
    }
    block =
        new RowBlock(
            actor, problem.reference(), problem.rewards(), rowWeights, optima, 0, problem.states());
    this.optima = optima;
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
  public boolean canBeKept() {
    return true;
  }

  @Override
  public void update() {}

  @Override
  public RowOptimum[] optima() {
    return optima;
  }

  @Override
  public void readOptimalActionValues(int state, double[] destination) {
    block.actionValues().readRow(state, destination);
  }

  @Override
  public double[] optimalVisitation() {
    return startDistribution;
  }

  @Override
  public double optimumWidth() {
    return 2.0 * Arrays.stream(optima).mapToDouble(RowOptimum::errorBound).max().orElse(0.0);
  }

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
