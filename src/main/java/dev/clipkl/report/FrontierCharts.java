package dev.clipkl.report;

import dev.clipkl.compare.Frontier;
import dev.clipkl.compare.FrontierPoint;
import dev.clipkl.metrics.MetricNames;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.report.Chart.Axis;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Reward against divergence: exact curves as lines, trained policies as points. Between two exact
 * points a line is a lower bound, since the mixture of two policies has at most the mean of their
 * divergences.
 */
final class FrontierCharts {
  /**
   * A measure of distance, and the divergence whose optima are the best at it.
   *
   * @param best the most reward at a point's distance: further exact points of that curve
   */
  private record Measure(
      String id,
      String metric,
      Divergence owner,
      ToDoubleFunction<FrontierPoint> distance,
      ToDoubleFunction<FrontierPoint> best) {}

  /** A place in a chart. */
  private record Place(double distance, double reward) {}

  private static final List<Measure> MEASURES =
      List.of(
          new Measure(
              "frontier",
              MetricNames.KL_POLICY_TO_REFERENCE,
              new ReverseKl(),
              FrontierPoint::klPolicyToReference,
              FrontierPoint::bestRewardPolicyToReference),
          new Measure(
              "frontier-reference-to-policy",
              MetricNames.KL_REFERENCE_TO_POLICY,
              new ForwardKl(),
              FrontierPoint::klReferenceToPolicy,
              FrontierPoint::bestRewardReferenceToPolicy));

  private FrontierCharts() {}

  static List<Chart> of(Frontier frontier) {
    return MEASURES.stream().map(measure -> chart(measure, frontier)).toList();
  }

  private static Chart chart(Measure measure, Frontier frontier) {
    List<String> divergences =
        frontier.optima().stream().map(FrontierPoint::divergence).distinct().toList();
    List<Curve> curves = new ArrayList<>();
    for (int style = 0; style < divergences.size(); style++) {
      String name = divergences.get(style);
      Stream<Place> optima = places(frontier.optima(), name, measure);
      Stream<Place> exact =
          name.equals(measure.owner().name())
              ? Stream.concat(optima, bestPlaces(frontier, measure))
              : optima;
      curves.add(curve(name + ", exact", exact, style, true));
      Stream<Place> trained = places(frontier.trained(), name, measure);
      curves.add(curve(name + ", trained", trained, style, false));
    }
    return new Chart(
        measure.id(),
        "frontier",
        "Frontier: the most reward at each distance",
        Measures.name(measure.metric()),
        new Axis(Measures.name(measure.metric()) + ", nats", false),
        new Axis("expected reward", false),
        true,
        curves.stream().filter(curve -> curve.x().length > 0).toList());
  }

  private static Stream<Place> places(List<FrontierPoint> points, String name, Measure measure) {
    return points.stream()
        .filter(point -> point.divergence().equals(name))
        .map(point -> new Place(measure.distance().applyAsDouble(point), point.reward()));
  }

  private static Stream<Place> bestPlaces(Frontier frontier, Measure measure) {
    return Stream.concat(frontier.optima().stream(), frontier.trained().stream())
        .map(point ->
            new Place(
                measure.distance().applyAsDouble(point), measure.best().applyAsDouble(point)));
  }

  private static Curve curve(String label, Stream<Place> places, int style, boolean line) {
    List<Place> ordered =
        places
            .filter(place -> Double.isFinite(place.distance()) && Double.isFinite(place.reward()))
            .sorted(Comparator.comparingDouble(Place::distance))
            .toList();
    return new Curve(
        label,
        -1,
        style,
        false,
        line,
        !line,
        ordered.stream().mapToDouble(Place::distance).toArray(),
        ordered.stream().mapToDouble(Place::reward).toArray());
  }
}
