package dev.clipkl.config;

/** Which algorithm a run means by its defaults. */
public enum Mode {
  /** Row weights, the divergence's best preconditioner, certified steps (THEORY 6.6). */
  PRACTICAL,
  /** The published algorithm: plain gradient, fixed step, visitation weights. */
  FAITHFUL
}
