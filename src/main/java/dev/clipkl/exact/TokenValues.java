package dev.clipkl.exact;

import dev.clipkl.problem.TokenMdp;

/** Numbers per state of a token MDP, as all of a layer's rows share them. */
public final class TokenValues {
  private TokenValues() {}

  /**
   * What a token is worth for what comes after it, {@code gamma V(state after it)}: the part of
   * {@code Q(s, a) = r(s, a) + gamma V(class(a))} (THEORY 0.3) that all states of a layer share.
   *
   * @param values V, {@code [states]}
   * @param shared {@code [layers, tokens]}; written
   */
  public static void fillShared(TokenMdp mdp, double[] values, double[][] shared) {
    for (int layer = 0; layer < mdp.layers(); layer++) {
      fillShared(mdp, values, shared, layer);
    }
  }

  /** The same for one layer. */
  static void fillShared(TokenMdp mdp, double[] values, double[][] shared, int layer) {
    int classes = mdp.classes();
    double[] ofClass = new double[classes];
    if (mdp.horizon().isEmpty()) {
      System.arraycopy(values, 0, ofClass, 0, classes);
    } else if (layer + 1 < mdp.layers()) {
      System.arraycopy(values, (layer + 1) * classes, ofClass, 0, classes);
    }
    mdp.next().spread(ofClass, mdp.discount(), shared[layer]);
  }
}
