package dev.clipkl.training;

import dev.clipkl.engine.ActorState;
import dev.clipkl.engine.Engine;
import dev.clipkl.engine.EngineKind;
import dev.clipkl.engine.RowBlock;
import dev.clipkl.engine.RowOptimum;
import dev.clipkl.engine.RowProgram;
import dev.clipkl.engine.RowResults;
import dev.clipkl.engine.vector.VectorEngine;
import dev.clipkl.exact.RowOptima;
import dev.clipkl.table.RowTable;
import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Runs a run's row program and optimum on a made-up row while a single thread reads the problem, so
 * that the JVM has compiled them when they are needed: interpreted, the Vector API is hundreds of
 * times slower. It changes no result, since cold and warm code give the same bits.
 */
final class WarmUp implements AutoCloseable {
  private static final int ACTIONS = 1024;

  private final RowProgram program;
  private final Thread thread = new Thread(this::run, "clipkl-warm-up");
  private volatile boolean ended;
  private final AtomicInteger visits = new AtomicInteger();

  private WarmUp(RowProgram program) {
    this.program = program;
    thread.setDaemon(true);
  }

  /** Begins, where an engine gains from it and has a thread to spare; null elsewhere. */
  static @Nullable WarmUp begin(Engine engine, RowProgram program) {
    if (engine.kind() != EngineKind.VECTOR || engine.threads() == 1) {
      return null;
    }
    WarmUp warmUp = new WarmUp(program);
    warmUp.thread.start();
    return warmUp;
  }

  private void run() {
    try (Arena arena = Arena.ofShared();
        Engine engine = new VectorEngine(1)) {
      RowTable.Precision precision = engine.kind().precision();
      RowTable reference = RowTable.allocate(arena, precision, 1, ACTIONS);
      RowTable values = RowTable.allocate(arena, precision, 1, ACTIONS);
      fill(reference, values);
      ActorState actor = ActorState.allocate(arena, precision, 1, ACTIONS, program.optimizer());
      RowResults results = new RowResults(1, 1, program.innerSteps());
      while (!ended) {
        RowOptimum[] optima =
            RowOptima.solve(engine, program.divergence(), program.lambda(), reference, values);
        reset(actor, reference);
        engine.run(
            new RowBlock(actor, reference, values, new double[] {1.0}, optima, 0, 1),
            program,
            1,
            results);
        visits.incrementAndGet();
      }
    } catch (RuntimeException e) {
      // Whatever the objective cannot do, the run itself will say.
      ended = true;
    }
  }

  /** Visits so far. */
  int visits() {
    return visits.get();
  }

  /** Probabilities by Zipf's law, and action values within lambda of 0. */
  private void fill(RowTable reference, RowTable values) {
    double[] logReference = new double[ACTIONS];
    double[] actionValues = new double[ACTIONS];
    double mass = 0.0;
    for (int a = 0; a < ACTIONS; a++) {
      mass += 1.0 / (a + 1.0);
    }
    for (int a = 0; a < ACTIONS; a++) {
      logReference[a] = -Math.log(mass * (a + 1.0));
      actionValues[a] = program.lambda() * Math.sin(a);
    }
    reference.writeRow(0, logReference);
    values.writeRow(0, actionValues);
  }

  private static void reset(ActorState actor, RowTable reference) {
    double[] logits = new double[ACTIONS];
    reference.readRow(0, logits);
    actor.logits().writeRow(0, logits);
    actor.stepSizes()[0] = Double.NaN;
    actor.momentumSteps()[0] = 0;
    actor.finished()[0] = false;
  }

  /** Ends it; returns when it has. */
  @Override
  public void close() {
    ended = true;
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
