package dev.clipkl.training;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.RowMetric;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.RowThreads;
import dev.clipkl.exact.TokenMdpSolver;
import dev.clipkl.exact.TokenOptimum;
import dev.clipkl.problem.TokenMdp;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;

/** Outer iterations on a token MDP, one by one, in memory. */
final class SequenceIterations implements AutoCloseable {
  private final Engine engine;
  private final RowThreads threads = new RowThreads(1);
  private final SequenceRows rows;
  private final RowProgram program;
  private final RowResults results;

  /** Starts at these logits, {@code [states, tokens]}; closes the engine at its end. */
  SequenceIterations(
      TokenMdp mdp, Engine engine, RowProgram program, WeightKind weights, double[][] logits) {
    this.engine = engine;
    this.program = program;
    ActorState actor =
        ActorState.allocate(
            Arena.ofAuto(),
            engine.kind().precision(),
            mdp.states(),
            mdp.actions(),
            program.optimizer());
    for (int s = 0; s < logits.length; s++) {
      actor.logits().writeRow(s, logits[s]);
    }
    TokenOptimum optimum =
        new TokenMdpSolver(mdp, program.divergence(), program.lambda(), engine, threads).solve();
    rows = new SequenceRows(mdp, optimum, actor, engine, program, weights, threads);
    rows.update();
    results = new RowResults(1, mdp.states(), program.innerSteps());
  }

  /** One outer iteration. */
  void next() {
    engine.run(rows.block(), program, 1, results);
    rows.update();
  }

  SequenceRows rows() {
    return rows;
  }

  RowTable logits() {
    return rows.block().actor().logits();
  }

  /** Clipped actions of the latest iteration, all states together, by inner step. */
  int clipped(int innerStep) {
    int sum = 0;
    for (int count : results.clippedActions(0, innerStep)) {
      sum += count;
    }
    return sum;
  }

  /** A metric of the policy as it is now, as a run shows it. */
  double[] latest(RowMetric metric) {
    rows.evaluate(engine, program, results);
    return results.latest(metric);
  }

  @Override
  public void close() {
    engine.close();
    threads.close();
  }
}
