package dev.clipkl.config;

/** What the states of a problem are. */
public enum ProblemKind {
  /** One row per prompt; an action ends the episode. */
  BANDIT,
  /** One row per context; actions append tokens. */
  SEQUENCE,
  /** A finite Markov decision process with given transitions. */
  MDP
}
