package dev.clipkl.training;

import dev.clipkl.engine.RowProgram;
import dev.clipkl.metrics.MetricRecord;
import java.nio.file.Path;
import java.time.Duration;

/** Writes a checkpoint when the time has come, and passes everything on to the user's listener. */
final class Checkpoints implements TrainingListener {
  private final Path file;
  private final RunMetrics metrics;
  private final RowProgram program;
  private final String fingerprint;
  private final Duration every;
  private final PhaseClock clock;
  private final TrainingListener next;
  private long lastNanos = System.nanoTime();

  Checkpoints(
      Path file,
      RunMetrics metrics,
      RowProgram program,
      String fingerprint,
      Duration every,
      PhaseClock clock,
      TrainingListener next) {
    this.file = file;
    this.metrics = metrics;
    this.program = program;
    this.fingerprint = fingerprint;
    this.every = every;
    this.clock = clock;
    this.next = next;
  }

  @Override
  public void afterBlock(TrainingProgress progress) {
    if (System.nanoTime() - lastNanos >= every.toNanos()) {
      write(progress);
    }
    next.afterBlock(progress);
  }

  /** Metrics first: a checkpoint never counts a line that is not on the disk. */
  void write(TrainingProgress progress) {
    clock.during(Phase.CHECKPOINTS, () -> writeNow(progress));
    lastNanos = System.nanoTime();
  }

  private void writeNow(TrainingProgress progress) {
    long metricsBytes = metrics.force();
    new Checkpoint(
            progress.outerIteration(),
            progress.seconds(),
            clock.seconds(),
            metricsBytes,
            progress.stalled(),
            progress.rowMetrics())
        .write(file, progress.actor().get(), program, fingerprint);
  }

  @Override
  public void metrics(MetricRecord line) {
    next.metrics(line);
  }

  @Override
  public void note(String line) {
    next.note(line);
  }

  @Override
  public boolean stopRequested() {
    return next.stopRequested();
  }
}
