package dev.clipkl.compare;

import dev.clipkl.engine.CompensatedSum;
import dev.clipkl.engine.OptimumSweeps;
import dev.clipkl.exact.RowOptimumSolver;
import dev.clipkl.language.TopTokens;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.problem.Problem;
import dev.clipkl.table.RowTable;
import dev.clipkl.training.LogPolicy;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Measures policies in float64, trained ones and exact optima alike: a row at a time, so that no
 * table of an optimum is ever stored, on all threads.
 *
 * <p>Both divergences are centred, {@code KL(p || q) = sum p log(p / q) - sum p + sum q}, since a
 * stored reference sums to 1 only up to its rounding, and the objective is centred, too.
 */
final class PolicyMeter {
  private final ProblemSolver solver;
  private final Problem problem;
  private final int topCount;
  private final ReferenceRow[] references;
  private final int[][] referenceTop;
  private final List<Scratch> scratch;

  private record Scratch(
      double[] logReference, double[] rewards, double[] actionValues, double[] logPolicy) {}

  /** Writes a row's log-probabilities, nats, into the scratch's {@code logPolicy}. */
  @FunctionalInterface
  private interface PolicyRow {
    void read(int state, Scratch arrays);
  }

  /**
   * A meter for the policies of one problem; looks at every reference row once.
   *
   * @param topCount how many of a row's most probable tokens are kept
   */
  PolicyMeter(ProblemSolver solver, int topCount) {
    this.solver = solver;
    problem = solver.problem();
    this.topCount = topCount;
    int actions = problem.actions();
    scratch =
        Stream.generate(() ->
                new Scratch(
                    new double[actions],
                    new double[actions],
                    new double[actions],
                    new double[actions]))
            .limit(solver.loaded().threads().threads())
            .toList();
    references = new ReferenceRow[problem.states()];
    referenceTop = new int[problem.states()][];
    solver
        .loaded()
        .threads()
        .visit(
            scratch,
            0,
            references.length,
            (arrays, state) -> {
              problem.reference().readRow(state, arrays.logReference);
              references[state] = ReferenceRow.of(arrays.logReference);
              referenceTop[state] = TopTokens.ids(arrays.logReference, topCount);
            });
  }

  /** The most probable tokens of the reference, rising ids, {@code [states, k]}. */
  int[][] referenceTop() {
    return referenceTop;
  }

  /** How many of them a row has: fewer than asked for in a small vocabulary. */
  int topCount() {
    return Math.min(topCount, problem.actions());
  }

  /** An exact optimum with its shape. */
  MeasuredPolicy measure(SolvedObjective optimum) {
    return measure(optimum, true);
  }

  /** An exact optimum without its shape, which is what costs most. */
  MeasuredPolicy averages(SolvedObjective optimum) {
    return measure(optimum, false);
  }

  private MeasuredPolicy measure(SolvedObjective optimum, boolean withShape) {
    RowOptimumSolver rowSolver = new RowOptimumSolver(optimum.divergence(), optimum.lambda());
    return measure(
        (state, arrays) -> {
          optimum.actionValues().readRow(state, arrays.actionValues);
          rowSolver.fillLogPolicy(
              optimum.rows()[state], arrays.logReference, arrays.actionValues, arrays.logPolicy);
        },
        optimum.divergence(),
        optimum.visitation(),
        withShape);
  }

  /**
   * A trained policy with its shape.
   *
   * @param logits {@code [states, actions]}
   * @param divergence that it was trained for
   */
  MeasuredPolicy measure(RowTable logits, Divergence divergence) {
    return measure(
        (state, arrays) -> {
          logits.readRow(state, arrays.logPolicy);
          LogPolicy.normalize(arrays.logPolicy);
        },
        divergence,
        solver.visitation(logits),
        true);
  }

  private MeasuredPolicy measure(
      PolicyRow policy, Divergence divergence, double[] visitation, boolean withShape) {
    solver.requireGoingOn();
    MeasuredPolicy.Row[] rows = new MeasuredPolicy.Row[problem.states()];
    solver
        .loaded()
        .threads()
        .visit(
            scratch,
            0,
            rows.length,
            (arrays, state) -> {
              problem.reference().readRow(state, arrays.logReference);
              problem.rewards().readRow(state, arrays.rewards);
              policy.read(state, arrays);
              rows[state] = row(arrays, state, divergence, withShape);
            });
    return MeasuredPolicy.of(rows, visitation, withShape);
  }

  private MeasuredPolicy.Row row(
      Scratch arrays, int state, Divergence divergence, boolean withShape) {
    ReferenceRow reference = references[state];
    double reward = 0.0;
    double forward = 0.0;
    double reverse = 0.0;
    double excess = 0.0;
    double entropy = 0.0;
    double headKept = 0.0;
    double tailMass = 0.0;
    double least = Double.POSITIVE_INFINITY;
    for (int a = 0; a < arrays.logPolicy.length; a++) {
      double logP = arrays.logPolicy[a];
      double logQ = arrays.logReference[a];
      double p = Math.exp(logP);
      double q = Math.exp(logQ);
      reward += p * arrays.rewards[a];
      // 0 log 0 is 0; an optimum without a barrier can have zeros.
      if (p > 0.0) {
        entropy -= p * logP;
        reverse += p * (logP - logQ);
      }
      forward += q * (logQ - logP);
      excess += p - q;
      least = Math.min(least, logP);
      if (withShape) {
        headKept += reference.isHead(a, logQ) ? Math.min(p, q) : 0.0;
        tailMass += q < ReferenceRow.TAIL_PROBABILITY ? p : 0.0;
      }
    }
    double policyToReference = reverse - excess;
    double referenceToPolicy = forward + excess;
    return new MeasuredPolicy.Row(
        reward,
        switch (divergence) {
          case ReverseKl _ -> policyToReference;
          case ForwardKl _ -> referenceToPolicy;
          default -> divergence(divergence, arrays);
        },
        policyToReference,
        referenceToPolicy,
        entropy,
        headKept / reference.headMass(),
        tailMass,
        reference.tailMass(),
        least,
        withShape ? TopTokens.ids(arrays.logPolicy, topCount) : new int[0]);
  }

  private static double divergence(Divergence divergence, Scratch arrays) {
    CompensatedSum sum = new CompensatedSum();
    for (int a = 0; a < arrays.logPolicy.length; a++) {
      double logQ = arrays.logReference[a];
      sum.add(Math.exp(logQ) * divergence.value(arrays.logPolicy[a] - logQ));
    }
    return sum.value();
  }

  /**
   * {@code sum_s d(s) E_p[r]} of an exact optimum, by the engine's own sweeps: a fraction of the
   * cost of {@link #averages}. With the value it gives the trained divergence's discounted sum,
   * {@code (reward - value) / lambda}.
   */
  double reward(SolvedObjective optimum) {
    double[] rewards = new double[problem.states()];
    int actions = problem.actions();
    IntFunction<OptimumSweeps> sweeps =
        _ ->
            solver.loaded().engine().optimumSweeps(optimum.divergence(), optimum.lambda(), actions);
    record Worker(Scratch arrays, OptimumSweeps sweeps) {}
    List<Worker> workers =
        IntStream.range(0, scratch.size())
            .mapToObj(i -> new Worker(scratch.get(i), sweeps.apply(i)))
            .toList();
    solver
        .loaded()
        .threads()
        .visit(
            workers,
            0,
            rewards.length,
            (worker, state) -> {
              Scratch arrays = worker.arrays;
              problem.reference().readRow(state, arrays.logReference);
              optimum.actionValues().readRow(state, arrays.actionValues);
              worker.sweeps.load(arrays.logReference, arrays.actionValues);
              worker.sweeps.probabilities(optimum.rows()[state].offset(), arrays.logPolicy);
              problem.rewards().readRow(state, arrays.rewards);
              CompensatedSum reward = new CompensatedSum();
              for (int a = 0; a < arrays.rewards.length; a++) {
                reward.add(arrays.logPolicy[a] * arrays.rewards[a]);
              }
              rewards[state] = reward.value();
            });
    double sum = 0.0;
    for (int s = 0; s < rewards.length; s++) {
      sum += optimum.visitation()[s] * rewards[s];
    }
    return sum;
  }
}
