package dev.clipkl.exact;

import java.util.Arrays;

/**
 * Solves {@code x = b + K x} for a linear contraction K.
 *
 * <p>Plain sweeps {@code x <- b + K x} gain a factor gamma each. GMRES (Saad and Schultz, SIAM J.
 * Sci. Stat. Comput. 7, 1986), which for a linear problem is what Anderson acceleration is (Walker
 * and Ni, SIAM J. Numer. Anal. 49, 2011), needs a sweep an iteration too, and finds the point of
 * least residual in the space that the sweeps span. It restarts from the true residual, so that
 * rounding does not build up, until that no longer falls. Where a cycle does not even halve it,
 * plain sweeps go on, which gain little but without fail.
 */
final class FixedPoint {
  private static final int RESTART = 30;
  private static final int MOST_CYCLES = 2000;

  /** A residual of this share of the terms that it is the difference of is rounding: 16 u. */
  private static final double ROUNDING = 0x1p-49;

  /** A linear map. */
  @FunctionalInterface
  interface Sweep {
    /** Writes {@code K x}. */
    void apply(double[] x, double[] product);
  }

  /**
   * A solution.
   *
   * @param x the point
   * @param residual {@code b + K x - x}
   * @param sweeps applications of K
   */
  record Solution(double[] x, double[] residual, int sweeps) {

    /** {@code max |residual|}. */
    double largestResidual() {
      return Arrays.stream(residual).map(Math::abs).max().orElse(0.0);
    }

    /** {@code sum |residual|}. */
    double residualSum() {
      return Arrays.stream(residual).map(Math::abs).sum();
    }
  }

  private final Sweep sweep;
  private final int size;
  private final double[][] basis;
  private final double[][] hessenberg = new double[RESTART][RESTART + 1];
  private final double[] cosines = new double[RESTART];
  private final double[] sines = new double[RESTART];
  private final double[] projected = new double[RESTART + 1];
  private int sweeps;

  private FixedPoint(Sweep sweep, int size) {
    this.sweep = sweep;
    this.size = size;
    basis = new double[RESTART + 1][];
  }

  /** The fixed point for one b, from {@code x = b}. */
  static Solution solve(Sweep sweep, double[] b) {
    return new FixedPoint(sweep, b.length).solve(b);
  }

  private Solution solve(double[] b) {
    double[] x = b.clone();
    double[] residual = residual(b, x);
    double norm = norm(residual);
    for (int i = 0; i < MOST_CYCLES; i++) {
      double rounding = ROUNDING * (norm(b) + norm(x));
      if (norm <= rounding) {
        break;
      }
      double[] next = x.clone();
      addCorrection(next, residual, norm, 0.5 * rounding);
      double[] nextResidual = residual(b, next);
      if (!(norm(nextResidual) < 0.5 * norm)) {
        next = plainSweeps(b, x);
        nextResidual = residual(b, next);
      }
      double nextNorm = norm(nextResidual);
      if (!(nextNorm < norm)) {
        break;
      }
      x = next;
      residual = nextResidual;
      norm = nextNorm;
    }
    return new Solution(x, residual, sweeps);
  }

  /** As many as a cycle takes: they gain little, but without fail. */
  private double[] plainSweeps(double[] b, double[] x) {
    double[] from = x.clone();
    double[] to = new double[size];
    for (int i = 0; i < RESTART; i++) {
      sweep.apply(from, to);
      for (int j = 0; j < size; j++) {
        to[j] += b[j];
      }
      double[] swap = from;
      from = to;
      to = swap;
    }
    sweeps += RESTART;
    return from;
  }

  private double[] residual(double[] b, double[] x) {
    double[] residual = new double[size];
    sweep.apply(x, residual);
    sweeps++;
    for (int i = 0; i < size; i++) {
      residual[i] += b[i] - x[i];
    }
    return residual;
  }

  /**
   * One cycle of GMRES on {@code (I - K) e = residual}; adds e to x.
   *
   * @param enough the residual at which it ends
   */
  private void addCorrection(double[] x, double[] residual, double norm, double enough) {
    basis[0] = scaled(residual, 1.0 / norm);
    Arrays.fill(projected, 0.0);
    projected[0] = norm;
    int steps = 0;
    double left = norm;
    while (steps < RESTART && left > enough) {
      boolean isLast = !arnoldi(steps);
      rotate(steps);
      left = Math.abs(projected[steps + 1]);
      steps++;
      if (isLast) {
        break;
      }
    }
    double[] weights = new double[steps];
    for (int i = steps - 1; i >= 0; i--) {
      double sum = projected[i];
      for (int j = i + 1; j < steps; j++) {
        sum -= hessenberg[j][i] * weights[j];
      }
      weights[i] = sum / hessenberg[i][i];
    }
    for (int i = 0; i < steps; i++) {
      add(x, weights[i], basis[i]);
    }
  }

  /**
   * Makes the next basis vector from {@code (I - K)} times the last.
   *
   * @return whether there is one: not where the space is closed
   */
  private boolean arnoldi(int step) {
    double[] next = new double[size];
    sweep.apply(basis[step], next);
    sweeps++;
    for (int i = 0; i < size; i++) {
      next[i] = basis[step][i] - next[i];
    }
    double before = norm(next);
    double[] column = hessenberg[step];
    for (int i = 0; i <= step; i++) {
      column[i] = PolicyValues.dot(basis[i], next);
      add(next, -column[i], basis[i]);
    }
    double length = norm(next);
    column[step + 1] = length;
    boolean isOpen = length > before * 0x1p-50;
    basis[step + 1] = isOpen ? scaled(next, 1.0 / length) : next;
    return isOpen;
  }

  /** Givens rotations: the least-squares problem stays triangular. */
  private void rotate(int step) {
    double[] column = hessenberg[step];
    for (int i = 0; i < step; i++) {
      double upper = cosines[i] * column[i] + sines[i] * column[i + 1];
      column[i + 1] = cosines[i] * column[i + 1] - sines[i] * column[i];
      column[i] = upper;
    }
    double length = Math.hypot(column[step], column[step + 1]);
    cosines[step] = column[step] / length;
    sines[step] = column[step + 1] / length;
    column[step] = length;
    projected[step + 1] = -sines[step] * projected[step];
    projected[step] *= cosines[step];
  }

  private static double norm(double[] x) {
    return Math.sqrt(PolicyValues.dot(x, x));
  }

  private static double[] scaled(double[] x, double factor) {
    double[] result = new double[x.length];
    add(result, factor, x);
    return result;
  }

  private static void add(double[] x, double factor, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += factor * y[i];
    }
  }
}
