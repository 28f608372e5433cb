package dev.clipkl.language;

/**
 * A text to continue: one row of the policy.
 *
 * @param text not empty
 * @param weight the start weight, {@code >= 0}, in any scale; see {@link Prompts#startWeights}
 */
public record Prompt(String text, double weight) {
  /** The weight of a prompt that names none. */
  public static final double DEFAULT_WEIGHT = 1.0;

  public Prompt {
    if (text.isEmpty()) {
      throw new IllegalArgumentException("a prompt needs a text");
    }
    if (!(weight >= 0) || Double.isInfinite(weight)) {
      throw new IllegalArgumentException("a prompt's weight must be finite and >= 0: " + weight);
    }
  }

  public Prompt(String text) {
    this(text, DEFAULT_WEIGHT);
  }
}
