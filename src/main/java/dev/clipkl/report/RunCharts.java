package dev.clipkl.report;

import dev.clipkl.inspect.MetricHistory;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.report.Chart.Axis;
import dev.clipkl.report.ReportSubject.Run;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** How runs went, as charts of their metrics. */
final class RunCharts {
  private static final Axis ITERATION = new Axis("outer iteration", false);

  /** Above this a path is a line; marks would hide it. */
  private static final int MOST_MARKS = 100;

  private final List<Run> runs;
  private final List<Chart> charts = new ArrayList<>();

  private RunCharts(List<Run> runs) {
    this.runs = runs;
  }

  /** All charts that have anything to show, in their order on the page. */
  static List<Chart> of(List<Run> runs) {
    RunCharts charts = new RunCharts(runs);
    charts.addGap();
    charts.add(
        "value",
        "Value beside the optimum",
        "value",
        charts.curves(MetricNames.VALUE, "", false),
        charts.curves(MetricNames.OPTIMUM, ", optimum", true));
    charts.addPath();
    charts.add(
        "kl",
        "Distance from the reference",
        "nats",
        charts.curves(MetricNames.KL_POLICY_TO_REFERENCE, ", KL(p‖q)", false),
        charts.curves(MetricNames.KL_REFERENCE_TO_POLICY, ", KL(q‖p)", true));
    charts.add(
        "entropy", "Entropy", "nats", charts.curves(MetricNames.ENTROPY, "", false), List.of());
    charts.add(
        "clip",
        "Clipped mass",
        "fraction of p_old",
        charts.curves(MetricNames.CLIPFRAC_BINDING, ", clip active", false),
        charts.curves(MetricNames.CLIPFRAC_OUTSIDE_BAND, ", outside band", true));
    charts.add(
        "step-size",
        "Step size",
        "optimizer's units",
        charts.curves(MetricNames.STEP_SIZE, "", false),
        List.of());
    return charts.charts.stream().filter(Chart::hasPoints).toList();
  }

  private void addGap() {
    Axis gap = new Axis("gap", true);
    String title = "Exact distance to the best possible policy";
    Function<MetricHistory, double[]> gaps = history -> positive(history.of(MetricNames.GAP));
    addGap("gap", title, "outer iterations", ITERATION, gap, MetricHistory::outerIterations, gaps);
    addGap(
        "gap-by-seconds",
        title,
        "seconds",
        new Axis("seconds of training", false),
        gap,
        history -> history.of(MetricNames.SECONDS),
        gaps);
    addGap(
        "gap-by-entries",
        title,
        "entries",
        new Axis("entries of the table touched", false),
        gap,
        MetricHistory::entries,
        gaps);
  }

  private void addGap(
      String id,
      String title,
      String choice,
      Axis x,
      Axis y,
      Function<MetricHistory, double[]> positions,
      Function<MetricHistory, double[]> numbers) {
    charts.add(
        new Chart(id, "gap", title, choice, x, y, false, curves("", false, positions, numbers)));
  }

  /** A gap of 0 or below by rounding has no place on a logarithmic axis. */
  private static double[] positive(double[] gaps) {
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = gaps[i] > 0.0 ? gaps[i] : Double.NaN;
    }
    return gaps;
  }

  private void addPath() {
    addPath("path", MetricNames.KL_POLICY_TO_REFERENCE);
    addPath("path-reference-to-policy", MetricNames.KL_REFERENCE_TO_POLICY);
  }

  private void addPath(String id, String divergence) {
    charts.add(
        new Chart(
            id,
            "path",
            "Reward against distance, along the run",
            Measures.name(divergence),
            new Axis(Measures.name(divergence) + ", nats", false),
            new Axis("expected reward", false),
            true,
            curves(
                "",
                false,
                history -> history.of(divergence),
                history -> history.of(MetricNames.REWARD))));
  }

  private void add(
      String id, String title, String yLabel, List<Curve> curves, List<Curve> further) {
    List<Curve> all = new ArrayList<>(curves);
    all.addAll(further);
    charts.add(new Chart(id, id, title, "", ITERATION, new Axis(yLabel, false), false, all));
  }

  private List<Curve> curves(String metric, String suffix, boolean dashed) {
    return curves(suffix, dashed, MetricHistory::outerIterations, history -> history.of(metric));
  }

  private List<Curve> curves(
      String suffix,
      boolean dashed,
      Function<MetricHistory, double[]> positions,
      Function<MetricHistory, double[]> numbers) {
    List<Curve> curves = new ArrayList<>();
    for (int i = 0; i < runs.size(); i++) {
      MetricHistory history = runs.get(i).stored().history();
      double[][] points = Thinning.of(positions.apply(history), numbers.apply(history));
      boolean marks = points[0].length <= MOST_MARKS;
      curves.add(
          new Curve(runs.get(i).label() + suffix, i, i, dashed, true, marks, points[0], points[1]));
    }
    return curves;
  }
}
