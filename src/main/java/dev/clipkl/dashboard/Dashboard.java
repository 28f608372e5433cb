package dev.clipkl.dashboard;

import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.metrics.MetricRecord;
import dev.clipkl.metrics.MetricSink;

/**
 * The live page of one run. Whoever trains adds lines; readers look at them from threads of their
 * own, and cannot hold anything up.
 */
public final class Dashboard implements MetricSink, AutoCloseable {
  private final RunHistory history = new RunHistory();
  private final DashboardServer server;

  /**
   * Starts to serve the page.
   *
   * @param port on 127.0.0.1; 0 for any that is free
   * @throws EnvironmentException when the port is in use or not allowed
   */
  public Dashboard(int port, RunFacts facts) {
    server = new DashboardServer(port, facts, history);
  }

  /** Where the page is; whoever knows this address can read it. */
  public String address() {
    return server.address();
  }

  @Override
  public void write(MetricRecord metrics) {
    history.add(metrics);
  }

  /** A line about what is happening. */
  public void note(String line) {
    history.note(line);
  }

  /** Why the run has ended; pages keep their charts. */
  public void end(String reason) {
    history.end(reason);
  }

  /** Stops to serve. */
  @Override
  public void close() {
    end("the process has ended");
    server.close();
  }
}
