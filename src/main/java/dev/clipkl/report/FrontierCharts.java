package dev.clipkl.report;

import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.FrontierPoint;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.report.Chart.Axis;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Reward against divergence: exact curves as lines, trained policies as points. */
final class FrontierCharts {
  private FrontierCharts() {}

  static List<Chart> of(Frontier frontier) {
    return List.of(
        chart(
            "frontier",
            MetricNames.KL_POLICY_TO_REFERENCE,
            frontier,
            FrontierPoint::klPolicyToReference),
        chart(
            "frontier-reference-to-policy",
            MetricNames.KL_REFERENCE_TO_POLICY,
            frontier,
            FrontierPoint::klReferenceToPolicy));
  }

  private static Chart chart(
      String id, String measure, Frontier frontier, ToDoubleFunction<FrontierPoint> divergence) {
    List<String> divergences =
        frontier.optima().stream().map(FrontierPoint::divergence).distinct().toList();
    List<Curve> curves = new ArrayList<>();
    for (int i = 0; i < divergences.size(); i++) {
      String name = divergences.get(i);
      curves.add(curve(name + ", exact", name, frontier.optima(), i, true, divergence));
      curves.add(curve(name + ", trained", name, frontier.trained(), i, false, divergence));
    }
    return new Chart(
        id,
        "frontier",
        "Frontier: the most reward at each distance",
        Measures.name(measure),
        new Axis(Measures.name(measure) + ", nats", false),
        new Axis("expected reward", false),
        true,
        curves.stream().filter(curve -> curve.x().length > 0).toList());
  }

  private static Curve curve(
      String label,
      String name,
      List<FrontierPoint> points,
      int style,
      boolean line,
      ToDoubleFunction<FrontierPoint> divergence) {
    List<FrontierPoint> own =
        points.stream()
            .filter(point -> point.divergence().equals(name))
            .filter(point -> divergence.applyAsDouble(point) > 0.0)
            .sorted(Comparator.comparingDouble(divergence))
            .toList();
    return new Curve(
        label,
        -1,
        style,
        false,
        line,
        !line,
        own.stream().mapToDouble(divergence).toArray(),
        own.stream().mapToDouble(FrontierPoint::reward).toArray());
  }
}
