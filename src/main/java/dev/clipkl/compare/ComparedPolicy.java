package dev.clipkl.compare;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One trained policy beside the exact optimum of its objective.
 *
 * @param run its run directory, relative to the comparison's
 * @param divergence the trained divergence's configuration name
 * @param lambda its weight
 * @param optimum what the best possible policy for this divergence and lambda has
 * @param metrics the run's last line of metrics, by name
 * @param shape how the policy covers the reference
 * @param optimalShape the same of the exact optimum
 * @param measuredRate the gap's factor per outer iteration at the end, NaN when unsettled
 * @param predictedRate the same by the optimum's curvature; NaN where the theory says nothing
 * @param outerIterations how many were done
 * @param entries inner steps taken times actions: entries of the policy's table touched
 * @param stopReason why the run ended, as in {@code run.json}
 */
public record ComparedPolicy(
    String run,
    String divergence,
    double lambda,
    OptimumNumbers optimum,
    Map<String, Double> metrics,
    PolicyShape shape,
    PolicyShape optimalShape,
    double measuredRate,
    double predictedRate,
    int outerIterations,
    double entries,
    String stopReason) {
  public ComparedPolicy {
    metrics = Collections.unmodifiableMap(new LinkedHashMap<>(metrics));
  }
}
