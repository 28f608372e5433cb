package dev.clipkl.language;

/**
 * Two completions of one prompt, one preferred.
 *
 * @param prompt the text before both; no text may be empty
 * @param chosen the preferred completion
 * @param rejected the other one; not equal to {@code chosen}
 */
public record PreferencePair(String prompt, String chosen, String rejected) {
  public PreferencePair {
    if (prompt.isEmpty() || chosen.isEmpty() || rejected.isEmpty()) {
      throw new IllegalArgumentException("a preference pair needs three texts");
    }
    if (chosen.equals(rejected)) {
      throw new IllegalArgumentException("chosen and rejected are the same: " + chosen);
    }
  }
}
