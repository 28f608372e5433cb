package dev.clipkl.config;

/** How often a state is where an episode starts. */
public enum StartDistribution {
  /** In proportion to the prompts' weights. */
  WEIGHTS,
  /** Every state equally often. */
  UNIFORM
}
