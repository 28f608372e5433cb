package dev.clipkl.engine;

import dev.clipkl.table.RowTable;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An engine that visits rows one at a time on the CPU: each thread takes the next row that nobody
 * has taken, so that rows of unequal cost keep all threads busy to the end.
 */
public abstract class RowEngine implements Engine {
  private final int threads;
  private final ExecutorService executor;
  private int loopColumns;
  private OptimizerKind loopOptimizer = OptimizerKind.GRADIENT;
  private List<RowLoop> loops = List.of();

  /**
   * An engine with its own threads.
   *
   * @param threads at least 1
   */
  protected RowEngine(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    this.threads = threads;
    this.executor =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("rows-", 0).daemon().factory());
  }

  /** Scratch memory and sweeps for rows of this many actions. */
  protected abstract RowArithmetic createArithmetic(int columns, OptimizerKind optimizer);

  /** Number of threads. */
  protected int threads() {
    return threads;
  }

  private interface RowTask {
    void visit(RowLoop loop, int row);
  }

  @Override
  public void evaluate(RowBlock block, RowProgram program, RowResults results) {
    forEachRow(block, program, (loop, row) -> loop.evaluate(block, program, row, results));
  }

  @Override
  public void run(RowBlock block, RowProgram program, int outerIterations, RowResults results) {
    forEachRow(
        block, program, (loop, row) -> loop.run(block, program, row, outerIterations, results));
  }

  @Override
  public void gradient(RowBlock block, RowProgram program, RowTable gradients) {
    RowProgram raw =
        new RowProgram(
            program.divergence(),
            program.lambda(),
            program.clip(),
            OptimizerKind.GRADIENT,
            program.stepRule(),
            program.stepSize(),
            program.innerSteps(),
            program.tolerance());
    forEachRow(block, raw, (loop, row) -> loop.gradient(block, raw, row, gradients));
  }

  private void forEachRow(RowBlock block, RowProgram program, RowTask task) {
    prepareLoops(block.columns(), program.optimizer());
    AtomicInteger next = new AtomicInteger(block.firstRow());
    List<Future<?>> futures = new ArrayList<>(threads);
    for (RowLoop loop : loops) {
      futures.add(
          executor.submit(() -> {
            for (int row = next.getAndIncrement();
                row < block.endRow();
                row = next.getAndIncrement()) {
              task.visit(loop, row);
            }
          }));
    }
    await(futures, next, block.endRow());
  }

  private void prepareLoops(int columns, OptimizerKind optimizer) {
    if (loopColumns != columns || loopOptimizer != optimizer) {
      List<RowLoop> created = new ArrayList<>(threads);
      for (int t = 0; t < threads; t++) {
        created.add(new RowLoop(createArithmetic(columns, optimizer)));
      }
      loops = created;
      loopColumns = columns;
      loopOptimizer = optimizer;
    }
  }

  /** Waits for every thread, whatever happens to one: none may touch the tables afterwards. */
  private static void await(List<Future<?>> futures, AtomicInteger next, int endRow) {
    boolean interrupted = false;
    Throwable failure = null;
    for (Future<?> future : futures) {
      while (true) {
        try {
          future.get();
          break;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          next.set(endRow);
          if (failure == null) {
            failure = e.getCause();
          }
          break;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IllegalStateException(failure);
    }
  }

  @Override
  public void close() {
    executor.close();
  }
}
