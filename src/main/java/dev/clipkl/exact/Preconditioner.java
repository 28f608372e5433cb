package dev.clipkl.exact;

import dev.clipkl.engine.OptimizerKind;
import dev.clipkl.objective.Divergence;
import java.util.Arrays;

/** The diagonal h of the directions {@code (G - E_p G) / (lambda h)} (THEORY 6.1 to 6.3). */
public final class Preconditioner {
  private Preconditioner() {}

  /**
   * h at one policy, {@code [actions]}.
   *
   * @param curvature {@code w f''(w)}, {@code [actions]}
   * @throws IllegalArgumentException for an optimizer without such a direction
   */
  public static double[] of(Divergence divergence, OptimizerKind optimizer, double[] curvature) {
    double atReference = divergence.curvatureAtReference();
    return Arrays.stream(curvature)
        .map(c ->
            switch (optimizer) {
              case NATURAL -> 1.0;
              case NEWTON -> c;
              case PRECONDITIONED -> Math.max(c, atReference);
              case GRADIENT, NESTEROV, ADAM ->
                  throw new IllegalArgumentException(optimizer + " has no preconditioner");
            })
        .toArray();
  }
}
