package dev.clipkl.comparison;

import dev.clipkl.bench.BenchMethod;
import dev.clipkl.bench.SyntheticRows;
import dev.clipkl.bench.TimedRows;
import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.objective.Divergence;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/**
 * clipkl's vector engine: as training runs it, exact gap and all other metrics included, or without
 * them.
 */
final class ClipklContender implements Contender {
  private final Arena arena = Arena.ofShared();
  private final Engine engine;
  private final Divergence divergence;
  private final BenchMethod method;
  private final boolean reports;
  private final ActorState actor;
  private final RowTable reference;
  private final RowTable rewards;
  private final RowOptimum[] optima;
  private final Map<Integer, TimedRows> programs = new HashMap<>();

  /**
   * A contender at the reference.
   *
   * @param reports whether metrics are computed; only fixed steps do without
   */
  ClipklContender(Workload workload, Divergence divergence, BenchMethod method, boolean reports) {
    this.divergence = divergence;
    this.method = method;
    this.reports = reports;
    engine = new VectorEngine(workload.threads());
    reference = RowTable.allocate(arena, workload.rows(), workload.columns());
    rewards = RowTable.allocate(arena, workload.rows(), workload.columns());
    SyntheticRows synthetic = workload.synthetic();
    float[] row = new float[workload.columns()];
    for (int r = 0; r < workload.rows(); r++) {
      synthetic.readReference(r, row);
      reference.writeRow(r, row);
      synthetic.readRewards(r, row);
      rewards.writeRow(r, row);
    }
    optima = RowOptima.solve(engine, divergence, BenchMethod.LAMBDA, reference, rewards);
    actor =
        ActorState.allocate(
            arena,
            engine.kind().precision(),
            workload.rows(),
            workload.columns(),
            OptimizerKind.GRADIENT);
    reset();
  }

  private TimedRows program(int innerSteps) {
    return programs.computeIfAbsent(
        innerSteps,
        steps ->
            new TimedRows(
                engine,
                method.program(divergence, steps),
                actor,
                reference,
                rewards,
                optima,
                actor.states()));
  }

  @Override
  public void reset() {
    program(1).reset();
  }

  @Override
  public void outerIteration(int innerSteps) {
    if (reports) {
      program(innerSteps).run();
    } else {
      program(innerSteps).runUnreported();
    }
  }

  @Override
  public double acceptedSteps(int innerSteps) {
    // A fixed step is always taken.
    return reports ? program(innerSteps).acceptedSteps() : innerSteps;
  }

  @Override
  public void readLogits(int row, float[] destination) {
    actor.logits().readRow(row, destination);
  }

  @Override
  public void close() {
    engine.close();
    arena.close();
  }
}
