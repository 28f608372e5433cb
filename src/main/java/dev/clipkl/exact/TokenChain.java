package dev.clipkl.exact;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/**
 * The Markov chain of a token MDP under one policy: solves {@code (I - gamma P) x = b} and {@code
 * (I - gamma P)^T d = u} (THEORY 0.2, 0.5).
 *
 * <p>The policy's mass on each class is all that matters of its {@code [states, tokens]} table: one
 * pass over the table makes P, {@code [states, classes]}, and every sweep here reads that instead.
 * With a horizon the system is triangular, and one sweep from the last layer (for d: from the
 * first) is exact. Without one, {@link FixedPoint} accelerates the sweeps.
 *
 * <p>Sums have a fixed order, so that the threads do not show in the results.
 */
public final class TokenChain {
  /** Columns that a thread adds up in a transposed sweep: rows are read in pieces of 8 KiB. */
  private static final int SLICE = 1024;

  /** Below this many entries a sweep is not worth waking a thread. */
  private static final int SMALL = 1 << 18;

  private final double[][] masses;
  private final int classes;
  private final int layers;
  private final boolean hasHorizon;
  private final double discount;
  private final double[] startDistribution;
  private final RowThreads threads;
  private final List<TokenChain> workers;

  /**
   * A policy's chain.
   *
   * @param masses the policy's probability of each class, {@code [states, classes]}; kept
   */
  public TokenChain(TokenMdp mdp, double[][] masses, RowThreads threads) {
    this.masses = masses;
    this.threads = threads;
    workers = Collections.nCopies(threads.threads(), this);
    classes = mdp.classes();
    layers = mdp.layers();
    hasHorizon = mdp.horizon().isPresent();
    discount = mdp.discount();
    startDistribution = mdp.startDistribution();
  }

  /**
   * A solution with its certificate.
   *
   * @param x the solution, {@code [states]}
   * @param errorBound how far it can be from the exact one: for values in every entry, for the
   *     visitation in the sum over entries. From the residual, since the inverse of {@code I -
   *     gamma P} has row sums of at most {@code 1 / (1 - gamma)}; 0 for the exact sweeps of a
   *     horizon, up to rounding
   * @param sweeps passes over the chain's matrix
   */
  @SuppressWarnings("ArrayRecordComponent") // Results to read, never compared.
  public record Solution(double[] x, double errorBound, int sweeps) {}

  /** {@code (I - gamma P) x = b}. */
  public Solution values(double[] b) {
    if (hasHorizon) {
      double[] x = b.clone();
      for (int layer = layers - 2; layer >= 0; layer--) {
        addExpectations(layer, layerOf(x, layer + 1), discount, x);
      }
      return new Solution(x, 0.0, 1);
    }
    FixedPoint.Solution solution =
        FixedPoint.solve(
            (x, product) -> {
              Arrays.fill(product, 0.0);
              addExpectations(0, x, discount, product);
            },
            b);
    return new Solution(
        solution.x(), solution.largestResidual() / (1.0 - discount), solution.sweeps());
  }

  /**
   * {@code (I - gamma P)^T d = u}, u the start distribution: {@code d(s) = sum_t gamma^t Pr(s_t =
   * s)}.
   */
  public Solution visitation() {
    if (hasHorizon) {
      double[] d = startDistribution.clone();
      for (int layer = 0; layer < layers - 1; layer++) {
        double[] next = new double[classes];
        flow(layer, d, next);
        for (int c = 0; c < classes; c++) {
          d[(layer + 1) * classes + c] += next[c];
        }
      }
      return new Solution(d, 0.0, 1);
    }
    FixedPoint.Solution solution =
        FixedPoint.solve((d, product) -> flow(0, d, product), startDistribution);
    return new Solution(solution.x(), solution.residualSum() / (1.0 - discount), solution.sweeps());
  }

  /** The expected x of the state after each one, {@code sum_c P(s, c) x(c)}, {@code [states]}. */
  public double[] expectedNext(double[] x) {
    double[] expected = new double[layers * classes];
    if (!hasHorizon) {
      addExpectations(0, x, 1.0, expected);
    }
    for (int layer = 0; layer < layers - 1; layer++) {
      addExpectations(layer, layerOf(x, layer + 1), 1.0, expected);
    }
    return expected;
  }

  private double[] layerOf(double[] x, int layer) {
    return Arrays.copyOfRange(x, layer * classes, (layer + 1) * classes);
  }

  /** {@code x(s) += factor sum_c P(s, c) next(c)} for a layer's states. */
  private void addExpectations(int layer, double[] next, double factor, double[] x) {
    int first = layer * classes;
    int end = first + classes;
    if (isSmall()) {
      for (int s = first; s < end; s++) {
        x[s] += factor * dot(masses[s], next);
      }
    } else {
      threads.visit(workers, first, end, (chain, s) -> x[s] += factor * dot(masses[s], next));
    }
  }

  /** {@code next(c) = gamma sum_s d(s) P(s, c)} over a layer's states. */
  private void flow(int layer, double[] d, double[] next) {
    int slices = Math.ceilDiv(classes, SLICE);
    if (isSmall()) {
      IntStream.range(0, slices).forEach(slice -> flow(layer, d, next, slice));
    } else {
      threads.visit(workers, 0, slices, (chain, slice) -> flow(layer, d, next, slice));
    }
  }

  private void flow(int layer, double[] d, double[] next, int slice) {
    int first = slice * SLICE;
    int end = Math.min(first + SLICE, classes);
    Arrays.fill(next, first, end, 0.0);
    for (int s = layer * classes; s < (layer + 1) * classes; s++) {
      double weight = discount * d[s];
      double[] row = masses[s];
      for (int c = first; c < end; c++) {
        next[c] += weight * row[c];
      }
    }
  }

  private boolean isSmall() {
    return (long) classes * classes < SMALL;
  }

  /** Eight sums, so that an addition need not wait for the one before. */
  private static double dot(double[] x, double[] y) {
    double s0 = 0.0;
    double s1 = 0.0;
    double s2 = 0.0;
    double s3 = 0.0;
    double s4 = 0.0;
    double s5 = 0.0;
    double s6 = 0.0;
    double s7 = 0.0;
    int i = 0;
    for (; i <= x.length - 8; i += 8) {
      s0 += x[i] * y[i];
      s1 += x[i + 1] * y[i + 1];
      s2 += x[i + 2] * y[i + 2];
      s3 += x[i + 3] * y[i + 3];
      s4 += x[i + 4] * y[i + 4];
      s5 += x[i + 5] * y[i + 5];
      s6 += x[i + 6] * y[i + 6];
      s7 += x[i + 7] * y[i + 7];
    }
    for (; i < x.length; i++) {
      s0 += x[i] * y[i];
    }
    return ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
  }
}
