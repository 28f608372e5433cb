package dev.clipkl.compare;

import dev.clipkl.config.RunConfig;
import dev.clipkl.failure.InputException;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.table.MemoryBudget;
import dev.clipkl.training.RunDirectory;
import dev.clipkl.training.StopReason;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingProgress;
import dev.clipkl.training.TrainingResult;
import dev.clipkl.training.TrainingRun;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Trains runs, several at a time. One that has ended is kept, one that was interrupted goes on, any
 * other starts.
 */
final class RunQueue {
  private static final long NANOS_BETWEEN_LINES = 5_000_000_000L;

  private final Path folder;
  private final RunConfig config;
  private final TrainingListener listener;
  private final Map<String, String> failures = new ConcurrentHashMap<>();
  private final AtomicInteger done = new AtomicInteger();

  /** Nobody starts another run; those under way write their checkpoints. */
  private volatile boolean stopping;

  /**
   * A queue.
   *
   * @param folder takes a folder for each run
   * @param config the comparison's, whose threads and memory the runs share
   */
  RunQueue(Path folder, RunConfig config, TrainingListener listener) {
    this.folder = folder;
    this.config = config;
    this.listener = listener;
  }

  /**
   * Trains all of them.
   *
   * @return false when it was stopped before the end
   * @throws dev.clipkl.failure.EnvironmentException when the machine cannot do it
   */
  boolean train(List<PlannedRun> runs) {
    int parallel = Math.min(config.compare().parallel(), Math.max(1, runs.size()));
    List<String> share = share(parallel);
    RuntimeException failure = null;
    try (ExecutorService workers =
        Executors.newFixedThreadPool(
            parallel, Thread.ofPlatform().name("runs-", 0).daemon().factory())) {
      List<Future<?>> futures = new ArrayList<>();
      for (PlannedRun run : runs) {
        futures.add(workers.submit(() -> train(run, share, runs.size())));
      }
      for (Future<?> future : futures) {
        try {
          future.get();
        } catch (InterruptedException e) {
          stopping = true;
          Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
          stopping = true;
          if (e.getCause() instanceof Error error) {
            throw error;
          }
          failure = failure == null ? (RuntimeException) e.getCause() : failure;
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
    return !stopping;
  }

  /** What each of some runs at a time may use; results do not depend on it. */
  private List<String> share(int parallel) {
    if (parallel == 1) {
      return List.of();
    }
    long bytes = MemoryBudget.parse(config.run().memory()).bytes() / parallel;
    return List.of(
        "run.threads=" + Math.max(1, config.run().threadCount() / parallel),
        "run.memory=%dKiB".formatted(Math.max(1, bytes >> 10)));
  }

  /** Why a run had to be given up, by its id. */
  Map<String, String> failures() {
    return failures;
  }

  private void train(PlannedRun run, List<String> share, int count) {
    if (stopping || listener.stopRequested()) {
      stopping = true;
      return;
    }
    try {
      Optional<TrainingResult> result = startOrResume(run, share);
      if (result.isPresent() && result.get().reason() == StopReason.INTERRUPTED) {
        stopping = true;
        return;
      }
      note(count, run, result.map(RunQueue::sentence).orElse("had ended already"));
    } catch (InputException e) {
      failures.put(run.id(), e.getMessage());
      note(count, run, e.getMessage());
    } catch (RuntimeException | Error e) {
      stopping = true;
      throw e;
    }
  }

  private Optional<TrainingResult> startOrResume(PlannedRun run, List<String> share) {
    Path directory = folder.resolve(run.id());
    TrainingListener view = new RunView(run);
    if (RunDirectory.isRun(directory)) {
      return TrainingRun.resume(directory, view);
    }
    return Optional.of(TrainingRun.start(run.config().with(share).withOut(directory), view));
  }

  private void note(int count, PlannedRun run, String sentence) {
    listener.note("[%d/%d] %s: %s".formatted(done.incrementAndGet(), count, run.id(), sentence));
  }

  private static String sentence(TrainingResult result) {
    return String.format(
        Locale.ROOT,
        "%s after %d outer iterations, gap %.2e, %.1f s",
        result.reason().sentence(),
        result.progress().outerIteration(),
        result.progress().latest().get(MetricNames.GAP),
        result.spent().total());
  }

  /** Passes on what somebody who follows many runs wants to know of one. */
  private final class RunView implements TrainingListener {
    private final PlannedRun run;
    private long lastLine = System.nanoTime();

    RunView(PlannedRun run) {
      this.run = run;
    }

    @Override
    public void note(String line) {
      if (line.startsWith("warning: ") || line.startsWith("resumed ")) {
        listener.note("  %s: %s".formatted(run.id(), line));
      }
    }

    @Override
    public void afterBlock(TrainingProgress progress) {
      long now = System.nanoTime();
      if (now - lastLine >= NANOS_BETWEEN_LINES) {
        lastLine = now;
        MetricRecord latest = progress.latest();
        listener.note(
            String.format(
                Locale.ROOT,
                "  %s: outer %d of at most %d, gap %.2e",
                run.id(),
                progress.outerIteration(),
                run.config().optimizer().outerIterations(),
                latest.get(MetricNames.GAP)));
      }
    }

    @Override
    public boolean stopRequested() {
      return stopping || listener.stopRequested();
    }
  }
}
