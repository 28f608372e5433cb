package dev.clipkl.training;

import dev.clipkl.config.WeightKind;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.reference.ReferenceEngine;
import dev.clipkl.exact.MdpOptimum;
import dev.clipkl.exact.MdpSolver;
import dev.clipkl.exact.PolicyValues;
import dev.clipkl.problem.FiniteMdp;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;

/** Outer iterations on a finite MDP, one by one, in memory. */
final class MdpIterations implements AutoCloseable {
  private final ReferenceEngine engine = new ReferenceEngine(1);
  private final MdpRows rows;
  private final RowProgram program;
  private final RowResults results;

  /** Starts at these logits, {@code [states, actions]}. */
  MdpIterations(
      FiniteMdp mdp,
      MdpSolver solver,
      MdpOptimum optimum,
      RowProgram program,
      WeightKind weights,
      double[][] logits) {
    this.program = program;
    ActorState actor =
        ActorState.allocate(
            Arena.ofAuto(),
            RowTable.Precision.FLOAT64,
            mdp.states(),
            mdp.actions(),
            program.optimizer());
    for (int s = 0; s < logits.length; s++) {
      actor.logits().writeRow(s, logits[s]);
    }
    rows = new MdpRows(mdp, solver, optimum, actor, weights, Arena.ofAuto());
    rows.update();
    results = new RowResults(1, mdp.states(), program.innerSteps());
  }

  /** One outer iteration. */
  void next() {
    engine.run(rows.block(), program, 1, results);
    rows.update();
  }

  double[][] logPolicy() {
    return rows.logPolicy();
  }

  PolicyValues values() {
    return rows.values();
  }

  /** {@code u . (V* - V)}, without cancellation. */
  double gap() {
    return rows.gap(metric -> new double[0]);
  }

  @Override
  public void close() {
    engine.close();
  }
}
