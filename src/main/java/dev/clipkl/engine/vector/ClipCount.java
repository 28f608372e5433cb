package dev.clipkl.engine.vector;

/**
 * What the clip makes of a policy.
 *
 * @param bindingMass p_old of the actions whose clip is active
 * @param bindingActions how many they are
 * @param outsideMass p_old of all actions whose ratio is outside the band
 */
record ClipCount(double bindingMass, int bindingActions, double outsideMass) {
  /** Of a policy inside the band. */
  static final ClipCount NONE = new ClipCount(0.0, 0, 0.0);
}
