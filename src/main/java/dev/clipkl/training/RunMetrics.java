package dev.clipkl.training;

import dev.clipkl.config.RunConfig;
import dev.clipkl.metrics.CsvFile;
import dev.clipkl.metrics.EventFile;
import dev.clipkl.metrics.JsonLinesSink;
import dev.clipkl.metrics.MetricFile;
import dev.clipkl.metrics.MetricLines;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.MetricSink;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the metrics of one run go: {@code metrics.jsonl}, which is what counts, the files that
 * repeat it in other forms, and the listener. All of them begin with the lines of earlier sessions.
 */
final class RunMetrics implements MetricSink, AutoCloseable {
  private final int every;
  private final JsonLinesSink lines;
  private final List<MetricFile> files = new ArrayList<>();
  private final TrainingListener listener;

  /**
   * Opens the files of a run directory.
   *
   * @param bytes of {@code metrics.jsonl} that the checkpoint counted
   */
  RunMetrics(RunDirectory directory, RunConfig.Run config, long bytes, TrainingListener listener) {
    this.listener = listener;
    every = config.metricsEvery();
    Path jsonLines = directory.metrics();
    lines = new JsonLinesSink(jsonLines, bytes);
    try {
      if (config.trackers().tensorBoard()) {
        files.add(new EventFile(directory.path(), MetricLines.count(jsonLines)));
      }
      if (config.trackers().csv()) {
        files.add(new CsvFile(directory.csv()));
      }
      MetricLines.replay(jsonLines, this::follow);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Takes the metrics of every outer iteration, and passes on one in so many. */
  @Override
  public void write(MetricRecord metrics) {
    if (metrics.outerIteration() % every == 0) {
      lines.write(metrics);
      follow(metrics);
    }
  }

  private void follow(MetricRecord metrics) {
    files.forEach(file -> file.write(metrics));
    listener.metrics(metrics);
  }

  /** Forces what a checkpoint counts to the disk; its mark. */
  long force() {
    return lines.force();
  }

  /** Forces everything to the disk. */
  void forceAll() {
    lines.force();
    files.forEach(MetricFile::force);
  }

  @Override
  public void close() {
    files.forEach(MetricFile::close);
    lines.close();
  }
}
