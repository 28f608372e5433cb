package dev.clipkl.metrics;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The metrics of one outer iteration, in the order in which they are written.
 *
 * @param outerIteration 0 is the policy before any step
 * @param values by name of {@link MetricNames}; NaN where a number does not exist
 */
public record MetricRecord(int outerIteration, Map<String, Double> values) {
  public MetricRecord {
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }

  /**
   * One number.
   *
   * @throws IllegalArgumentException when this record has no such metric
   */
  public double get(String name) {
    Double value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no metric " + name);
    }
    return value;
  }
}
