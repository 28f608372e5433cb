package dev.clipkl.compare;

import dev.clipkl.engine.RowOptimum;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.PolicyEvaluator;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.exact.TokenEvaluator;
import dev.clipkl.exact.TokenMdpSolver;
import dev.clipkl.exact.TokenOptimum;
import dev.clipkl.exact.TokenValues;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.problem.Problem;
import dev.clipkl.problem.PromptBandit;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.LoadedProblem;
import dev.clipkl.training.LogPolicy;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/** Exact optima of one problem for any objective, and how often policies meet its states. */
final class ProblemSolver {
  private final LoadedProblem loaded;
  private final BooleanSupplier stop;
  private final Problem problem;
  private final Map<Objective, SolvedObjective> solved = new HashMap<>();

  private record Objective(Divergence divergence, double lambda) {}

  /**
   * A solver.
   *
   * @param stop looked at before each optimum and each measurement
   */
  ProblemSolver(LoadedProblem loaded, BooleanSupplier stop) {
    this.loaded = loaded;
    this.stop = stop;
    problem = loaded.problem();
  }

  /** The problem with its engine and threads. */
  LoadedProblem loaded() {
    return loaded;
  }

  Problem problem() {
    return problem;
  }

  /** Whether a state's visitation is the same for every policy: its rows then never meet. */
  boolean isBandit() {
    return problem.discount() == 0.0;
  }

  /**
   * The optimum of an objective, found once.
   *
   * @throws ArithmeticException when it is beyond float64
   * @throws CancellationException when somebody asks to stop
   */
  SolvedObjective solve(Divergence divergence, double lambda) {
    Objective objective = new Objective(divergence, lambda);
    SolvedObjective known = solved.get(objective);
    if (known == null) {
      requireGoingOn();
      known =
          switch (problem) {
            case PromptBandit _ -> independentRows(divergence, lambda);
            case TokenMdp mdp when mdp.discount() > 0.0 -> sequence(mdp, divergence, lambda);
            case TokenMdp _ -> independentRows(divergence, lambda);
            case FiniteMdp mdp -> process(mdp, divergence, lambda);
          };
      solved.put(objective, known);
    }
    return known;
  }

  /**
   * Looks whether somebody asks to stop.
   *
   * @throws CancellationException when somebody does
   */
  void requireGoingOn() {
    if (stop.getAsBoolean()) {
      throw new CancellationException();
    }
  }

  private SolvedObjective independentRows(Divergence divergence, double lambda) {
    RowOptimum[] rows =
        RowOptima.solve(
            loaded.engine(), divergence, lambda, problem.reference(), problem.rewards());
    double[] start = problem.startDistribution();
    double value = 0.0;
    for (int s = 0; s < rows.length; s++) {
      value += start[s] * rows[s].value();
    }
    return new SolvedObjective(divergence, lambda, rows, problem.rewards(), start, value);
  }

  private SolvedObjective sequence(TokenMdp mdp, Divergence divergence, double lambda) {
    TokenOptimum optimum =
        new TokenMdpSolver(mdp, divergence, lambda, loaded.engine(), loaded.threads()).solve();
    double[][] shared = new double[mdp.layers()][mdp.actions()];
    TokenValues.fillShared(mdp, optimum.values(), shared);
    return new SolvedObjective(
        divergence,
        lambda,
        optimum.rows(),
        RowTable.layered(mdp.classRewards(), shared),
        optimum.visitation(),
        optimum.upper(mdp.startDistribution()));
  }

  private static SolvedObjective process(FiniteMdp mdp, Divergence divergence, double lambda) {
    MdpSolver solver = new MdpSolver(mdp, divergence, lambda);
    MdpOptimum optimum = solver.policyIteration();
    RowTable actionValues =
        RowTable.allocate(Arena.ofAuto(), RowTable.Precision.FLOAT64, mdp.states(), mdp.actions());
    for (int s = 0; s < mdp.states(); s++) {
      actionValues.writeRow(s, optimum.actionValues()[s]);
    }
    return new SolvedObjective(
        divergence,
        lambda,
        optimum.rows(),
        actionValues,
        solver.evaluator().evaluate(optimum.logPolicy()).visitation(),
        optimum.upper(mdp.startDistribution()));
  }

  /**
   * {@code d(s)} of a policy, {@code [states]}.
   *
   * @param logits any that softmax turns into the policy, {@code [states, actions]}
   */
  double[] visitation(RowTable logits) {
    // Visitation depends on no objective; evaluators want one.
    Divergence any = new ReverseKl();
    return switch (problem) {
      case PromptBandit bandit -> bandit.startDistribution();
      case TokenMdp mdp when mdp.discount() > 0.0 ->
          new TokenEvaluator(mdp, any, 1.0, loaded.threads()).evaluate(logits).visitation();
      case TokenMdp mdp -> mdp.startDistribution();
      case FiniteMdp mdp ->
          new PolicyEvaluator(mdp, any, 1.0).evaluate(LogPolicy.read(logits)).visitation();
    };
  }
}
