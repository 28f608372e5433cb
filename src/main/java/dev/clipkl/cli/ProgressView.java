package dev.clipkl.cli;

import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingProgress;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows a run as it goes: a bar on a terminal, plain lines a few seconds apart elsewhere. The bar
 * measures the way from the first gap to the tolerance in powers of ten.
 */
final class ProgressView implements TrainingListener, AutoCloseable {
  private static final int BAR_STEPS = 1000;
  private static final int BAR_WIDTH = 140;
  private static final double SECONDS_BETWEEN_LINES = 5.0;

  private final PrintWriter out;
  private final double tolerance;
  private final int outerIterations;
  private final StopSignal signal;
  private final String name;
  private final boolean onTerminal;
  private @Nullable ProgressBar bar;
  private double firstGap = Double.NaN;
  private double lastLineSeconds;

  ProgressView(
      String name,
      PrintWriter out,
      boolean onTerminal,
      double tolerance,
      int outerIterations,
      StopSignal signal) {
    this.out = out;
    this.tolerance = tolerance;
    this.outerIterations = outerIterations;
    this.signal = signal;
    this.name = name;
    this.onTerminal = onTerminal;
  }

  @Override
  public void note(String line) {
    out.println(line);
    out.flush();
  }

  @Override
  public boolean stopRequested() {
    return signal.requested();
  }

  @Override
  public void afterBlock(TrainingProgress progress) {
    MetricRecord latest = progress.latest();
    double gap = latest.get(MetricNames.GAP);
    if (Double.isNaN(firstGap)) {
      firstGap = gap;
    }
    String state =
        String.format(
            Locale.ROOT,
            "outer %d of at most %d, gap %.2e, rate %.3f, %.0f M entries/s%s",
            progress.outerIteration(),
            outerIterations,
            gap,
            latest.get(MetricNames.RATE_MEASURED),
            latest.get(MetricNames.ENTRIES_PER_SECOND) * 1e-6,
            timeLeft(progress, gap));
    if (onTerminal) {
      // Made now: notes before the first block would tear a bar apart.
      ProgressBar shown = bar == null ? newBar() : bar;
      bar = shown;
      shown.stepTo(Math.round(BAR_STEPS * fraction(progress, gap)));
      shown.setExtraMessage(" " + state);
    } else if (progress.seconds() - lastLineSeconds >= SECONDS_BETWEEN_LINES) {
      lastLineSeconds = progress.seconds();
      note("  " + state);
    }
  }

  private ProgressBar newBar() {
    return new ProgressBarBuilder()
        .setTaskName(name)
        .setInitialMax(BAR_STEPS)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(200)
        .setMaxRenderedLength(BAR_WIDTH)
        .hideEta()
        .clearDisplayOnFinish()
        .build();
  }

  private double fraction(TrainingProgress progress, double gap) {
    double byIterations = (double) progress.outerIteration() / outerIterations;
    double byGap = Math.log(firstGap / gap) / Math.log(firstGap / tolerance);
    return Math.clamp(Double.isFinite(byGap) ? Math.max(byIterations, byGap) : byIterations, 0, 1);
  }

  /** From the measured rate, which may still change; the most iterations bound it. */
  private String timeLeft(TrainingProgress progress, double gap) {
    double rate = progress.latest().get(MetricNames.RATE_MEASURED);
    double perIteration = progress.seconds() / progress.outerIteration();
    double byRate = Math.log(tolerance / gap) / Math.log(rate);
    double left = Math.min(outerIterations - (double) progress.outerIteration(), byRate);
    return rate > 0.0 && rate < 1.0 && left > 0.0
        ? String.format(Locale.ROOT, ", about %.0f s left", Math.ceil(left * perIteration))
        : "";
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
