package dev.clipkl.certify;

/** What stands behind a claim. */
public enum Standing {
  /** A theorem whose premises this run meets: if it fails, something is broken. */
  PROVEN,
  /** A promise of the method whose proof this run's configuration leaves: it may fail. */
  CLAIMED,
  /** What the proofs take for granted: where it fails, they do not apply. */
  ASSUMPTION,
  /** True in the limit, near the optimum; measured on a finite run. */
  ASYMPTOTIC,
  /** Measured, and proven by nobody. */
  MEASURED;

  /** Whether its failure is the failure of the certificate. */
  boolean isBinding() {
    return this == PROVEN || this == CLAIMED || this == ASSUMPTION;
  }
}
