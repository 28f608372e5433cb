package dev.clipkl.training;

import java.util.Locale;

/** What a run spends its time on. A moment belongs to exactly one of them. */
public enum Phase {
  /** The engine's start, tokenizer, tables, their fingerprint, and their way to the engine. */
  LOADING("load"),
  /** Exact optima of a bandit's rows, or an MDP's solution. */
  OPTIMA("optima"),
  /** The engine's visits to the rows, with the sweeps for their metrics. */
  ROW_PROGRAMS("row programs"),
  /** An MDP's exact values and visitation between two outer iterations. */
  VALUES("values"),
  /** Averages over the rows, and their lines in {@code metrics.jsonl}. */
  METRICS("metrics"),
  /** Checkpoints, read and written. */
  CHECKPOINTS("checkpoints"),
  /** The policy, fetched from the engine and written, and {@code run.json}. */
  WRITING("write"),
  /** Everything else: warnings, what the user sees on the way, the run directory. */
  OTHER("other");

  private final String label;

  Phase(String label) {
    this.label = label;
  }

  /** For people. */
  String label() {
    return label;
  }

  /** For files. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
