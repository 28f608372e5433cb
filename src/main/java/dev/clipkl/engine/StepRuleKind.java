package dev.clipkl.engine;

import java.util.Locale;

/** How long an inner step is. */
public enum StepRuleKind {
  /**
   * Shortens a trial until the clipped surrogate rises enough (THEORY 3.4e, 6): every accepted step
   * is certified never to lower the value. A row without such a step is frozen until the next outer
   * iteration, and only the first inner step's length is remembered (THEORY 5.4).
   */
  BACKTRACKING,
  /** {@code min(unit step, log(1 + eps) / span(direction))}: no trial steps (THEORY 5.4, 6.4). */
  SAFE,
  /** Always the unit step times the configured step size. */
  FIXED;

  /** The configuration's name. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
