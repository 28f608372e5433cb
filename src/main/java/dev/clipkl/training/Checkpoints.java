package dev.clipkl.training;

import dev.clipkl.engine.RowProgram;
import dev.clipkl.metrics.JsonLinesSink;
import java.nio.file.Path;
import java.time.Duration;

/** Writes a checkpoint when the time has come, and passes everything on to the user's listener. */
final class Checkpoints implements TrainingListener {
  private final Path file;
  private final JsonLinesSink metrics;
  private final RowProgram program;
  private final String fingerprint;
  private final Duration every;
  private final TrainingListener next;
  private long lastNanos = System.nanoTime();

  Checkpoints(
      Path file,
      JsonLinesSink metrics,
      RowProgram program,
      String fingerprint,
      Duration every,
      TrainingListener next) {
    this.file = file;
    this.metrics = metrics;
    this.program = program;
    this.fingerprint = fingerprint;
    this.every = every;
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
    long metricsBytes = metrics.force();
    new Checkpoint(
            progress.outerIteration(),
            progress.seconds(),
            metricsBytes,
            progress.stalled(),
            progress.rowMetrics())
        .write(file, progress.actor().get(), program, fingerprint);
    lastNanos = System.nanoTime();
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
