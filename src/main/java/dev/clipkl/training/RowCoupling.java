package dev.clipkl.training;

import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import java.util.function.Function;

/**
 * What a problem's rows need of one another: their action values and weights, and how row metrics
 * become the run's. In a bandit that is fixed; in an MDP it changes with the policy.
 */
public interface RowCoupling {

  /** All rows, with the action values and weights of the latest {@link #update}. */
  RowBlock block();

  /** Whether rows need one another's policies after every outer iteration. */
  boolean rowsMeet();

  /**
   * Whether the engine may keep the rows during a run: everything that {@link #update} needs to
   * know of the policy it asks the engine.
   */
  boolean canBeKept();

  /** Brings action values, weights and gap up to date with the actor's logits. */
  void update();

  /**
   * Fills {@link RowResults#latest} with the metrics of the policy as it stands, after {@link
   * #update}.
   */
  default void evaluate(Engine engine, RowProgram program, RowResults results) {
    engine.evaluate(block(), program, results);
  }

  /** The rows' optima, {@code [states]}; where rows meet for the optimal action values. */
  RowOptimum[] optima();

  /**
   * The action values that a row's optimum is for.
   *
   * @param destination {@code [actions]}; written
   */
  void readOptimalActionValues(int state, double[] destination);

  /** How often the optimal policy is in each state: d, as the rows' weights have it. */
  double[] optimalVisitation();

  /** How far apart the certified bounds of the optimum are, at the state where it is most. */
  double optimumWidth();

  /** Weights of averages over states, {@code [states]}, summing to 1. */
  double[] weights();

  /** The optimum's value, averaged by the start distribution (its upper end). */
  double optimum();

  /**
   * The policy's value, averaged by the start distribution.
   *
   * @param rows the row values of a metric, {@code [states]}
   */
  double value(Function<RowMetric, double[]> rows);

  /** Optimum less value, without cancellation; parameter as {@link #value}. */
  double gap(Function<RowMetric, double[]> rows);

  /** The expected discounted reward without the divergence; parameter as {@link #value}. */
  double reward(Function<RowMetric, double[]> rows);

  /** {@code sum_s weights_s rows_s}, in the order of the rows. */
  static double average(double[] weights, double[] rows) {
    double sum = 0.0;
    for (int row = 0; row < rows.length; row++) {
      sum += weights[row] * rows[row];
    }
    return sum;
  }
}
