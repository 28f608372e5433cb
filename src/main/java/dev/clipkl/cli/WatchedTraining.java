package dev.clipkl.cli;

import dev.clipkl.dashboard.Dashboard;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingProgress;

/** Shows a run on the terminal and on a page. */
final class WatchedTraining implements TrainingListener {
  private final ProgressView terminal;
  private final Dashboard page;

  WatchedTraining(ProgressView terminal, Dashboard page) {
    this.terminal = terminal;
    this.page = page;
  }

  @Override
  public void note(String line) {
    terminal.note(line);
    page.note(line);
  }

  @Override
  public void metrics(MetricRecord line) {
    page.write(line);
  }

  @Override
  public void afterBlock(TrainingProgress progress) {
    terminal.afterBlock(progress);
  }

  @Override
  public boolean stopRequested() {
    return terminal.stopRequested();
  }
}
