package dev.clipkl.cli;

import java.util.concurrent.CountDownLatch;

/**
 * Turns SIGINT and SIGTERM into a request to stop cleanly. While one is open, the JVM's exit waits
 * until it is closed, and then ends with {@link CommandRunner#INTERRUPTED}.
 */
final class StopSignal implements AutoCloseable {
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread hook = new Thread(this::stop, "stop-signal");
  private volatile boolean requested;

  StopSignal() {
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private void stop() {
    requested = true;
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Runtime.getRuntime().halt(CommandRunner.INTERRUPTED);
  }

  /** Whether a signal has come. */
  boolean requested() {
    return requested;
  }

  @Override
  public void close() {
    if (requested) {
      closed.countDown();
      return;
    }
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The signal came just now, after the work was done.
      closed.countDown();
    }
  }
}
