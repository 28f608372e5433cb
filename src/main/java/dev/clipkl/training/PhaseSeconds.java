package dev.clipkl.training;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** Seconds by phase; together they are all the time that a run has taken. */
public final class PhaseSeconds {
  /** Before a run. */
  public static final PhaseSeconds NONE = of(phase -> 0.0);

  /** What prints as 0.0. */
  private static final double UNSEEN = 0.05;

  private final Map<Phase, Double> seconds = new EnumMap<>(Phase.class);

  private PhaseSeconds() {}

  static PhaseSeconds of(ToDoubleFunction<Phase> seconds) {
    PhaseSeconds all = new PhaseSeconds();
    for (Phase phase : Phase.values()) {
      all.seconds.put(phase, seconds.applyAsDouble(phase));
    }
    return all;
  }

  /** Seconds of one phase. */
  public double get(Phase phase) {
    return seconds.getOrDefault(phase, 0.0);
  }

  /** Seconds of all phases. */
  public double total() {
    return seconds.values().stream().mapToDouble(x -> x).sum();
  }

  PhaseSeconds plus(PhaseSeconds other) {
    return of(phase -> get(phase) + other.get(phase));
  }

  /** For files: {@code total}, then every phase by its key. */
  public Map<String, Double> byKey() {
    Map<String, Double> byKey = new LinkedHashMap<>();
    byKey.put("total", total());
    seconds.forEach((phase, value) -> byKey.put(phase.key(), value));
    return byKey;
  }

  /**
   * For people: {@code 21.3 s: load 4.1, optima 3.0, row programs 14.2 (67%)}. Phases that would
   * show as 0.0 are left out.
   */
  public String line() {
    List<String> parts = new ArrayList<>();
    seconds.forEach((phase, value) -> {
      if (value >= UNSEEN) {
        parts.add(part(phase, value));
      }
    });
    return String.format(Locale.ROOT, "%.1f s", total())
        + (parts.isEmpty() ? "" : ": " + String.join(", ", parts));
  }

  private String part(Phase phase, double value) {
    String part = String.format(Locale.ROOT, "%s %.1f", phase.label(), value);
    return phase == Phase.ROW_PROGRAMS
        ? String.format(Locale.ROOT, "%s (%.0f%%)", part, 100.0 * value / total())
        : part;
  }
}
