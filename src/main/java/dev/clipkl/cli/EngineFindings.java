package dev.clipkl.cli;

import dev.clipkl.config.EngineChoice;
import dev.clipkl.failure.EnvironmentException;
import dev.clipkl.training.EngineSelection;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Which engines can run here, and why the others cannot. */
final class EngineFindings {
  private EngineFindings() {}

  /** Looks at every engine that a configuration can name. */
  static List<Finding> all() {
    List<Finding> findings = new ArrayList<>();
    int threads = Runtime.getRuntime().availableProcessors();
    for (EngineChoice choice : EngineChoice.values()) {
      if (choice != EngineChoice.AUTO) {
        findings.add(of(choice, threads));
      }
    }
    return findings;
  }

  /** Looks at one. */
  static Finding of(EngineChoice choice, int threads) {
    String name = "engine " + choice.name().toLowerCase(Locale.ROOT);
    try {
      String description = EngineSelection.describe(choice, threads);
      return Finding.ok(name, description, Map.of("description", description));
    } catch (EnvironmentException e) {
      String reason = e.getMessage();
      return Finding.unavailable(
          name, reason, "leave run.engine at auto", Map.of("reason", reason));
    }
  }
}
