package dev.clipkl.training;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.GroupMasses;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.exact.TokenChain;
import dev.clipkl.exact.TokenOptimum;
import dev.clipkl.exact.TokenValues;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;
import java.util.Arrays;
import java.util.function.Function;

/**
 * The rows of a token MDP. They meet after every outer iteration: an evaluation of the policy
 * against the optimum gives each row's distance b to it and its masses on the classes, and two
 * small linear systems the rest: {@code (I - gamma P)(V* - V) = b} without cancellation (THEORY
 * 1.8, 1.10), {@code (I - gamma P)^T d = u}. V goes into all rows' action values as one vector.
 */
public final class SequenceRows implements RowCoupling {
  private final TokenMdp mdp;
  private final TokenOptimum optimum;
  private final Engine engine;
  private final RowProgram program;
  private final RowThreads threads;
  private final WeightKind weightKind;
  private final RowBlock block;
  private final RowBlock optimumBlock;
  private final double[][] shared;
  private final GroupMasses masses;
  private final RowResults results;
  private double[] values;
  private double[] rewards;
  private double[] visitation;
  private double[] weights;
  private double gap;

  /**
   * All rows of a problem; call {@link #update} once the actor has its logits.
   *
   * @param program of the objective that the optimum is of
   * @param threads for the linear systems; kept
   */
  SequenceRows(
      TokenMdp mdp,
      TokenOptimum optimum,
      ActorState actor,
      Engine engine,
      RowProgram program,
      WeightKind weightKind,
      RowThreads threads) {
    this.mdp = mdp;
    this.optimum = optimum;
    this.engine = engine;
    this.program = program;
    this.weightKind = weightKind;
    this.threads = threads;
    int states = mdp.states();
    double[] rowWeights = new double[states];
    Arrays.fill(rowWeights, 1.0);
    shared = new double[mdp.layers()][mdp.actions()];
    // No optima: a row that is optimal for these action values need not be for the next ones.
    block = new RowBlock(actor, mdp.reference(), actionValues(shared), rowWeights, null, 0, states);
    double[][] optimal = new double[mdp.layers()][mdp.actions()];
    TokenValues.fillShared(mdp, optimum.values(), optimal);
    optimumBlock =
        new RowBlock(
            actor, mdp.reference(), actionValues(optimal), rowWeights, optimum.rows(), 0, states);
    masses = new GroupMasses(mdp.next(), new double[states][mdp.classes()]);
    results = new RowResults(1, states, program.innerSteps());
    values = new double[states];
    rewards = values;
    visitation = values;
    weights = values;
  }

  private RowTable actionValues(double[][] ofTokens) {
    return RowTable.layered(mdp.classRewards(), ofTokens);
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
    return true;
  }

  @Override
  public void update() {
    engine.evaluate(optimumBlock, program, results, masses);
    TokenChain chain = new TokenChain(mdp, masses.masses(), threads);
    double[] rowGaps = results.latest(RowMetric.GAP);
    double[] shortfall = chain.values(rowGaps).x();
    visitation = chain.visitation().x();
    double[] next = chain.expectedNext(optimum.values());
    int states = mdp.states();
    values = new double[states];
    rewards = new double[states];
    for (int s = 0; s < states; s++) {
      values[s] = optimum.rows()[s].value() - shortfall[s];
      rewards[s] = results.latest(RowMetric.ACTION_VALUE)[s] - mdp.discount() * next[s];
    }
    TokenValues.fillShared(mdp, values, shared);
    double total = Arrays.stream(visitation).sum();
    weights = Arrays.stream(visitation).map(d -> d / total).toArray();
    if (weightKind == WeightKind.VISITATION) {
      System.arraycopy(visitation, 0, block.rowWeights(), 0, states);
    }
    gap = RowCoupling.average(visitation, rowGaps);
  }

  @Override
  public RowOptimum[] optima() {
    return optimum.rows();
  }

  @Override
  public void readOptimalActionValues(int state, double[] destination) {
    optimumBlock.actionValues().readRow(state, destination);
  }

  @Override
  public double[] optimalVisitation() {
    return optimum.visitation();
  }

  @Override
  public double optimumWidth() {
    return optimum.width();
  }

  @Override
  public void evaluate(Engine unused, RowProgram same, RowResults destination) {
    // Of a policy, only its value and its expected action value depend on what actions are worth.
    for (RowMetric metric : RowMetric.values()) {
      System.arraycopy(results.latest(metric), 0, destination.latest(metric), 0, values.length);
    }
    double[] divergences = results.latest(RowMetric.DIVERGENCE);
    for (int s = 0; s < values.length; s++) {
      destination.latest(RowMetric.VALUE)[s] = values[s];
      destination.latest(RowMetric.ACTION_VALUE)[s] = values[s] + program.lambda() * divergences[s];
      destination.latest(RowMetric.GAP)[s] = Double.NaN;
    }
  }

  /** {@code V(s)} of the latest {@link #update}, {@code [states]}. */
  public double[] values() {
    return values;
  }

  /** {@code d(s)} of the latest {@link #update}, {@code [states]}. */
  double[] visitation() {
    return visitation;
  }

  /** The policy's probability of each class at the latest {@link #update}. */
  public double[][] masses() {
    return masses.masses();
  }

  /** The problem's optimum. */
  public TokenOptimum tokenOptimum() {
    return optimum;
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
    return RowCoupling.average(mdp.startDistribution(), values);
  }

  @Override
  public double gap(Function<RowMetric, double[]> rows) {
    return gap;
  }

  @Override
  public double reward(Function<RowMetric, double[]> rows) {
    return RowCoupling.average(visitation, rewards);
  }
}
