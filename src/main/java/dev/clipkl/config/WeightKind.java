package dev.clipkl.config;

/** The factor on a row's step (THEORY 6.5). */
public enum WeightKind {
  /** 1: every row moves at its own speed. */
  ROW,
  /** The state's visitation, as in the gradient of the value: rare states move slowly. */
  VISITATION
}
