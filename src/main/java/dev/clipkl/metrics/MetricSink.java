package dev.clipkl.metrics;

/** Where metrics go. */
public interface MetricSink {
  /** Takes the metrics of one outer iteration; iterations arrive in order. */
  void write(MetricRecord metrics);
}
