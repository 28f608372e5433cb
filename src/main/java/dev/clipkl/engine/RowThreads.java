package dev.clipkl.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that visit rows: each takes the next row that nobody has taken, so that rows of unequal
 * cost keep all threads busy to the end.
 */
public final class RowThreads implements AutoCloseable {
  private final int threads;
  private final ExecutorService executor;

  /** What a thread does with a row. */
  @FunctionalInterface
  public interface RowTask<W> {
    /** Visits one row with the thread's own worker. */
    void visit(W worker, int row);
  }

  /**
   * Starts no thread before the first visit.
   *
   * @param threads at least 1
   */
  public RowThreads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    this.threads = threads;
    this.executor =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("rows-", 0).daemon().factory());
  }

  /** Number of threads. */
  public int threads() {
    return threads;
  }

  /**
   * Visits rows {@code [firstRow, endRow)}, one worker per thread, and returns when all threads
   * have stopped, whatever happens to one of them: none may touch a table afterwards.
   *
   * @throws RuntimeException the first failure of a visit
   */
  public <W> void visit(List<W> workers, int firstRow, int endRow, RowTask<W> task) {
    AtomicInteger next = new AtomicInteger(firstRow);
    List<Future<?>> futures = new ArrayList<>(workers.size());
    for (W worker : workers) {
      futures.add(
          executor.submit(() -> {
            for (int row = next.getAndIncrement(); row < endRow; row = next.getAndIncrement()) {
              task.visit(worker, row);
            }
          }));
    }
    Throwable failure = null;
    boolean interrupted = false;
    for (Future<?> future : futures) {
      boolean stopped = false;
      while (!stopped) {
        try {
          future.get();
          stopped = true;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          next.set(endRow);
          failure = failure == null ? e.getCause() : failure;
          stopped = true;
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
