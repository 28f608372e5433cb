package dev.clipkl.cli;

import dev.clipkl.metrics.MetricNames;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.Outlook;
import dev.clipkl.training.TrainingListener;
import dev.clipkl.training.TrainingProgress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.OptionalDouble;
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
  private final Outlook outlook;
  private final int outerIterations;
  private final StopSignal signal;
  private final String name;
  private final boolean onTerminal;
  private @Nullable ProgressBar bar;
  private double lastLineSeconds;

  ProgressView(
      String name,
      PrintWriter out,
      boolean onTerminal,
      double tolerance,
      int outerIterations,
      StopSignal signal) {
    this.out = out;
    outlook = new Outlook(tolerance, outerIterations);
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
    double fraction = outlook.fraction(latest);
    String state =
        String.format(
            Locale.ROOT,
            "outer %d of at most %d, gap %.2e, rate %.3f, %.0f M entries/s%s",
            progress.outerIteration(),
            outerIterations,
            gap,
            latest.get(MetricNames.RATE_MEASURED),
            latest.get(MetricNames.ENTRIES_PER_SECOND) * 1e-6,
            timeLeft(latest));
    if (onTerminal) {
      // Made now: notes before the first block would tear a bar apart.
      ProgressBar shown = bar == null ? newBar() : bar;
      bar = shown;
      shown.stepTo(Math.round(BAR_STEPS * fraction));
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

  private String timeLeft(MetricRecord latest) {
    OptionalDouble left = outlook.secondsLeft(latest);
    return left.isPresent()
        ? String.format(Locale.ROOT, ", about %.0f s left", left.getAsDouble())
        : "";
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
