package dev.clipkl.training;

/** Why a run ended. */
public enum StopReason {
  /** The exact gap reached the tolerance. */
  CONVERGED("the exact gap reached the tolerance"),
  /** All outer iterations were run. */
  ITERATIONS("all outer iterations were run"),
  /** The time was used up. */
  TIME("the time was used up"),
  /** No row found a step that raises its surrogate: float32 holds no better policy. */
  STALLED("no row can be improved any further at this precision"),
  /** Somebody asked it to stop. */
  INTERRUPTED("interrupted");

  private final String sentence;

  StopReason(String sentence) {
    this.sentence = sentence;
  }

  /** For people. */
  public String sentence() {
    return sentence;
  }
}
