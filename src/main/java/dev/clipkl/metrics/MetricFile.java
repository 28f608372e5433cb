package dev.clipkl.metrics;

/**
 * A file that holds the lines of {@code metrics.jsonl} in another form.
 *
 * <p>Every session of a run writes all lines into it again, from the run's first. So a resumed run
 * neither repeats an iteration nor lacks one, whatever a killed session has left, and a checkpoint
 * need not know of the file. What a file holds already it may pass over.
 */
public interface MetricFile extends MetricSink, AutoCloseable {
  /** Forces all lines to the disk. */
  void force();

  @Override
  void close();
}
