package dev.clipkl.comparison;

import dev.clipkl.bench.Spread;
import java.awt.Color;
import java.io.IOException;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.ChartEncoder;
import org.knowm.xchart.style.Styler;

/** Nanoseconds per entry and inner step at the first vocabulary, on a logarithmic axis. */
final class ComparisonPlot {
  /** Okabe and Ito's colours, which colour-blind readers can tell apart, and two greys. */
  private static final Color[] COLOURS = {
    new Color(0, 114, 178),
    new Color(86, 180, 233),
    new Color(0, 158, 115),
    new Color(213, 94, 0),
    new Color(204, 121, 167),
    new Color(150, 150, 150),
    new Color(60, 60, 60)
  };

  private ComparisonPlot() {}

  /** Writes a PNG. */
  static void write(Comparison.Results results, Path file) throws IOException {
    int columns = results.timings().getFirst().columns();
    List<Timings> shown =
        results.timings().stream().filter(timings -> timings.columns() == columns).toList();
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(1100)
            .height(480)
            .title(
                "One inner step, V = %,d, N = %,d, %d threads"
                    .formatted(columns, shown.getFirst().rows(), results.threads()))
            .yAxisTitle("ns per entry (log scale, lower is better)")
            .build();
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
    chart.getStyler().setSeriesColors(COLOURS);
    chart.getStyler().setLabelsVisible(true);
    chart.getStyler().setLabelsPosition(0.95);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    List<String> groups = new ArrayList<>();
    List<Double> memory = new ArrayList<>();
    for (Timings timings : shown) {
      for (int innerSteps : Comparison.INNER_STEPS) {
        groups.add("%s, K = %d".formatted(timings.divergence(), innerSteps));
        memory.add(nanoseconds(timings.memory()));
      }
    }
    double least = memory.stream().min(Double::compare).orElseThrow();
    for (ContenderKind contender : ContenderKind.values()) {
      List<Double> heights = new ArrayList<>();
      for (Timings timings : shown) {
        for (int innerSteps : Comparison.INNER_STEPS) {
          heights.add(nanoseconds(timings.line(contender, innerSteps).seconds()));
          least = Math.min(least, heights.getLast());
        }
      }
      chart.addSeries(contender.label(), groups, heights);
    }
    chart.addSeries("memory limit", groups, memory);
    // Bars begin at a power of ten below all of them: a logarithmic axis has no zero.
    chart.getStyler().setYAxisMin(Math.pow(10.0, Math.ceil(Math.log10(least)) - 1.0));
    try (OutputStream out = Files.newOutputStream(file)) {
      ChartEncoder.saveChart(chart, out, "png");
    }
  }

  /** Two digits, as many as the labels have room for. */
  private static double nanoseconds(Spread seconds) {
    return BigDecimal.valueOf(seconds.median() * 1e9).round(new MathContext(2)).doubleValue();
  }
}
