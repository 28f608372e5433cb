package dev.clipkl.training;

import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Tells how long a run has been in each {@link Phase}. It is always in exactly one, so that the
 * phases add up to all the time since its start. For one thread.
 */
final class PhaseClock {
  private final LongSupplier nanoTime;
  private final long[] nanos = new long[Phase.values().length];
  private PhaseSeconds earlier = PhaseSeconds.NONE;
  private Phase current = Phase.OTHER;
  private long last;

  /** Starts now, in {@link Phase#OTHER}. */
  PhaseClock() {
    this(System::nanoTime);
  }

  /**
   * Starts now, by a clock of its own.
   *
   * @param nanoTime as {@link System#nanoTime}
   */
  PhaseClock(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    last = nanoTime.getAsLong();
  }

  /** Does something in a phase; a phase within it interrupts it. */
  <T> T during(Phase phase, Supplier<T> task) {
    Phase outer = current;
    enter(phase);
    try {
      return task.get();
    } finally {
      enter(outer);
    }
  }

  /** The same for a task without a result. */
  void during(Phase phase, Runnable task) {
    Phase outer = current;
    enter(phase);
    try {
      task.run();
    } finally {
      enter(outer);
    }
  }

  private void enter(Phase phase) {
    long now = nanoTime.getAsLong();
    nanos[current.ordinal()] += now - last;
    last = now;
    current = phase;
  }

  /** Adds what earlier sessions of the run have taken. */
  void add(PhaseSeconds sessions) {
    earlier = earlier.plus(sessions);
  }

  /** What the run has taken until now, all its sessions together. */
  PhaseSeconds seconds() {
    enter(current);
    return earlier.plus(PhaseSeconds.of(phase -> 1e-9 * nanos[phase.ordinal()]));
  }
}
