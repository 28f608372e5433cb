package dev.clipkl.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A chart as XChart draws it: for print, on white, in the page's colours. */
final class ChartPainter {
  static final int WIDTH = 900;
  static final int HEIGHT = 520;

  /** Okabe and Ito's colours, in the page's order ({@code --series-0} and so on). */
  private static final Color[] COLOURS = {
    new Color(0x0072b2),
    new Color(0xd55e00),
    new Color(0x009e73),
    new Color(0xcc79a7),
    new Color(0x000000),
    new Color(0xe69f00),
    new Color(0x56b4e9)
  };

  private static final Color TEXT = new Color(0x1b1f24);
  private static final Color FAINT_TEXT = new Color(0x59636e);
  private static final Color GRID = new Color(0xe2e5e9);
  private static final float LINE = 2.2f;
  private static final float THIN_LINE = 1.3f;
  private static final float[] DOTS = {2.0f, 3.0f};

  /** By style, as on the page: a second sign beside the colour; the first is solid. */
  private static final float[][] DASHES = {
    {}, {10, 4}, {9, 3, 2, 3}, {5, 3}, {14, 4, 5, 4}, {9, 3, 2, 3, 2, 3}, {3, 5}
  };

  private static final int MARK = 8;
  private static final int MOST_TICKS = 12;

  private ChartPainter() {}

  static XYChart chart(Chart chart) {
    XYChart drawn =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(chart.title())
            .xAxisTitle(chart.x().label())
            .yAxisTitle(chart.y().label())
            .build();
    style(drawn.getStyler(), chart);
    for (Curve curve : chart.curves()) {
      add(drawn, curve, chart);
    }
    return drawn;
  }

  private static void style(XYStyler styler, Chart chart) {
    Font text = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setPlotGridLinesStroke(new BasicStroke(1.0f));
    styler.setAxisTickMarksColor(GRID);
    styler.setAxisTickLabelsColor(FAINT_TEXT);
    styler.setAxisTickLabelsFont(text);
    styler.setAxisTitleFont(text);
    styler.setXAxisTitleColor(FAINT_TEXT);
    styler.setYAxisTitleColor(FAINT_TEXT);
    styler.setChartTitleFont(text.deriveFont(Font.BOLD, 16.0f));
    styler.setChartFontColor(TEXT);
    styler.setChartTitleBoxVisible(false);
    styler.setLegendPosition(Styler.LegendPosition.OutsideS);
    styler.setLegendLayout(Styler.LegendLayout.Horizontal);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setLegendFont(text);
    styler.setMarkerSize(MARK);
    styler.setPlotGridVerticalLinesVisible(false);
    styler.setXAxisMaxLabelCount(MOST_TICKS);
    styler.setXAxisLogarithmicDecadeOnly(true);
    styler.setYAxisLogarithmicDecadeOnly(true);
    styler.setXAxisLogarithmic(chart.x().log());
    styler.setYAxisLogarithmic(chart.y().log());
    if (chart.y().log()) {
      limit(
          chart.curves().stream().map(Curve::y).toList(), styler::setYAxisMin, styler::setYAxisMax);
    }
    if (chart.x().log()) {
      limit(
          chart.curves().stream().map(Curve::x).toList(), styler::setXAxisMin, styler::setXAxisMax);
    }
  }

  /** Takes one end of an axis. */
  @FunctionalInterface
  private interface End {
    void set(Double value);
  }

  /** A logarithmic axis begins and ends at a power of ten. */
  private static void limit(List<double[]> values, End least, End greatest) {
    double[] all = values.stream().flatMapToDouble(Arrays::stream).filter(v -> v > 0.0).toArray();
    if (all.length > 0) {
      least.set(Math.pow(10.0, Math.floor(Math.log10(Arrays.stream(all).min().getAsDouble()))));
      greatest.set(Math.pow(10.0, Math.ceil(Math.log10(Arrays.stream(all).max().getAsDouble()))));
    }
  }

  private static void add(XYChart drawn, Curve curve, Chart chart) {
    int[] kept =
        IntStream.range(0, curve.x().length)
            .filter(i -> !(chart.x().log() && curve.x()[i] <= 0.0))
            .filter(i -> !(chart.y().log() && curve.y()[i] <= 0.0))
            .toArray();
    if (kept.length == 0) {
      return;
    }
    XYSeries series =
        drawn.addSeries(
            curve.label(),
            Arrays.stream(kept).mapToDouble(i -> curve.x()[i]).toArray(),
            Arrays.stream(kept).mapToDouble(i -> curve.y()[i]).toArray());
    Color colour = COLOURS[curve.style() % COLOURS.length];
    series.setXYSeriesRenderStyle(
        curve.line() ? XYSeries.XYSeriesRenderStyle.Line : XYSeries.XYSeriesRenderStyle.Scatter);
    series.setLineColor(colour);
    series.setMarkerColor(colour);
    series.setMarker(curve.line() && kept.length > 1 ? SeriesMarkers.NONE : SeriesMarkers.CIRCLE);
    // Curves that cross again and again are easier to follow whole.
    float[] dashes =
        curve.dashed() ? DOTS : DASHES[chart.plane() ? 0 : curve.style() % DASHES.length];
    series.setLineStyle(
        new BasicStroke(
            curve.dashed() ? THIN_LINE : LINE,
            BasicStroke.CAP_BUTT,
            BasicStroke.JOIN_ROUND,
            1.0f,
            dashes.length == 0 ? null : dashes,
            0.0f));
  }
}
