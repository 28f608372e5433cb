package dev.clipkl.training;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.PolicyValues;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.function.Function;

/**
 * The rows of a finite MDP. They meet after every outer iteration: the policy's exact values give
 * each row its action values, its visitation gives the weights (THEORY 0.3, 0.5).
 */
public final class MdpRows implements RowCoupling {
  private final FiniteMdp mdp;
  private final MdpSolver solver;
  private final MdpOptimum optimum;
  private final WeightKind weightKind;
  private final RowBlock block;
  private double[][] logPolicy;
  private PolicyValues values;
  private double gap;
  private double[] weights;

  /**
   * All rows of a process; call {@link #update} once the actor has its logits.
   *
   * @param arena owns the table of action values
   */
  MdpRows(
      FiniteMdp mdp,
      MdpSolver solver,
      MdpOptimum optimum,
      ActorState actor,
      WeightKind weightKind,
      Arena arena) {
    this.mdp = mdp;
    this.solver = solver;
    this.optimum = optimum;
    this.weightKind = weightKind;
    double[] rowWeights = new double[mdp.states()];
    Arrays.fill(rowWeights, 1.0);
    RowTable actionValues =
        RowTable.allocate(arena, RowTable.Precision.FLOAT64, mdp.states(), mdp.actions());
    // No optima: a row that is optimal for these action values need not be for the next ones.
    block = new RowBlock(actor, mdp.reference(), actionValues, rowWeights, null, 0, mdp.states());
    logPolicy = new double[mdp.states()][mdp.actions()];
    weights = mdp.startDistribution();
    values = new PolicyValues(weights, logPolicy, weights, weights, weights, Double.NaN);
  }

  @Override
  public RowBlock block() {
    return block;
  }

  @Override
  public boolean rowsMeet() {
    return true;
  }

  @Override
  public boolean canBeKept() {
    // The policy is read from the host's logits.
    return false;
  }

  @Override
  public void update() {
    logPolicy = LogPolicy.read(block.actor().logits());
    values = solver.evaluator().evaluate(logPolicy);
    for (int s = 0; s < mdp.states(); s++) {
      block.actionValues().writeRow(s, values.actionValues()[s]);
    }
    weights = Arrays.stream(values.visitation()).map(d -> (1.0 - mdp.discount()) * d).toArray();
    if (weightKind == WeightKind.VISITATION) {
      System.arraycopy(values.visitation(), 0, block.rowWeights(), 0, weights.length);
    }
    gap = solver.gap(optimum, logPolicy, values.visitation());
  }

  @Override
  public RowOptimum[] optima() {
    return optimum.rows();
  }

  @Override
  public void readOptimalActionValues(int state, double[] destination) {
    System.arraycopy(optimum.actionValues()[state], 0, destination, 0, destination.length);
  }

  @Override
  public double[] optimalVisitation() {
    return solver.evaluator().evaluate(optimum.logPolicy()).visitation();
  }

  @Override
  public double optimumWidth() {
    return optimum.width();
  }

  /** {@code log p} of the latest {@link #update}, nats, {@code [states, actions]}. */
  public double[][] logPolicy() {
    return logPolicy;
  }

  /** The exact values of the latest {@link #update}. */
  public PolicyValues values() {
    return values;
  }

  /** The process's optimum. */
  public MdpOptimum mdpOptimum() {
    return optimum;
  }

  /** The solver of the same objective. */
  public MdpSolver solver() {
    return solver;
  }

  @Override
  public double[] weights() {
    return weights;
  }

  @Override
  public double optimum() {
    return optimum.upper(mdp.startDistribution());
  }

  @Override
  public double value(Function<RowMetric, double[]> rows) {
    return values.average(mdp.startDistribution());
  }

  @Override
  public double gap(Function<RowMetric, double[]> rows) {
    return gap;
  }

  @Override
  public double reward(Function<RowMetric, double[]> rows) {
    return RowCoupling.average(values.visitation(), values.rewards());
  }
}
