package dev.clipkl.exact;

import dev.clipkl.engine.RowThreads;
import dev.clipkl.problem.TokenMdp;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntConsumer;
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
  /** Rows that are read at once: as many streams from memory, and one read of the vector. */
  private static final int ROWS = 4;

  /** Parts of a transposed sweep, each with sums of its own, whatever the number of threads. */
  private static final int PARTS = 16;

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
    visit(
        Math.ceilDiv(classes, ROWS),
        block -> addExpectations(first + block * ROWS, first + classes, next, factor, x));
  }

  /** The same for {@link #ROWS} states, or those up to {@code end}. */
  private void addExpectations(int first, int end, double[] next, double factor, double[] x) {
    if (first + ROWS > end) {
      for (int s = first; s < end; s++) {
        x[s] += factor * dot(masses[s], next);
      }
      return;
    }
    double[] row0 = masses[first];
    double[] row1 = masses[first + 1];
    double[] row2 = masses[first + 2];
    double[] row3 = masses[first + 3];
    double even0 = 0.0;
    double even1 = 0.0;
    double even2 = 0.0;
    double even3 = 0.0;
    double odd0 = 0.0;
    double odd1 = 0.0;
    double odd2 = 0.0;
    double odd3 = 0.0;
    for (int c = 0; c < classes - 1; c += 2) {
      double evenNext = next[c];
      double oddNext = next[c + 1];
      even0 += row0[c] * evenNext;
      even1 += row1[c] * evenNext;
      even2 += row2[c] * evenNext;
      even3 += row3[c] * evenNext;
      odd0 += row0[c + 1] * oddNext;
      odd1 += row1[c + 1] * oddNext;
      odd2 += row2[c + 1] * oddNext;
      odd3 += row3[c + 1] * oddNext;
    }
    if (classes % 2 == 1) {
      double last = next[classes - 1];
      even0 += row0[classes - 1] * last;
      even1 += row1[classes - 1] * last;
      even2 += row2[classes - 1] * last;
      even3 += row3[classes - 1] * last;
    }
    x[first] += factor * (even0 + odd0);
    x[first + 1] += factor * (even1 + odd1);
    x[first + 2] += factor * (even2 + odd2);
    x[first + 3] += factor * (even3 + odd3);
  }

  /** One row as it is summed among others: even and odd columns apart. */
  private static double dot(double[] row, double[] next) {
    double even = 0.0;
    double odd = 0.0;
    for (int c = 0; c < row.length - 1; c += 2) {
      even += row[c] * next[c];
      odd += row[c + 1] * next[c + 1];
    }
    if (row.length % 2 == 1) {
      even += row[row.length - 1] * next[row.length - 1];
    }
    return even + odd;
  }

  /** {@code next(c) = gamma sum_s d(s) P(s, c)} over a layer's states: by parts, then in order. */
  private void flow(int layer, double[] d, double[] next) {
    double[][] sums = new double[PARTS][classes];
    int first = layer * classes;
    visit(
        PARTS,
        part ->
            addRows(
                first + (int) ((long) classes * part / PARTS),
                first + (int) ((long) classes * (part + 1) / PARTS),
                d,
                sums[part]));
    Arrays.fill(next, 0.0);
    for (double[] part : sums) {
      add(part, 1.0, next);
    }
  }

  /** {@code sums(c) += gamma sum_s d(s) P(s, c)} over the states {@code [first, end)}. */
  private void addRows(int first, int end, double[] d, double[] sums) {
    int state = first;
    for (; state + ROWS <= end; state += ROWS) {
      addFourRows(state, d, sums);
    }
    for (; state < end; state++) {
      add(masses[state], discount * d[state], sums);
    }
  }

  /** A plain loop over arrays, which the JIT compiler turns into vector code. */
  private void addFourRows(int state, double[] d, double[] sums) {
    double weight0 = discount * d[state];
    double weight1 = discount * d[state + 1];
    double weight2 = discount * d[state + 2];
    double weight3 = discount * d[state + 3];
    double[] row0 = masses[state];
    double[] row1 = masses[state + 1];
    double[] row2 = masses[state + 2];
    double[] row3 = masses[state + 3];
    for (int c = 0; c < sums.length; c++) {
      sums[c] =
          (((sums[c] + weight0 * row0[c]) + weight1 * row1[c]) + weight2 * row2[c])
              + weight3 * row3[c];
    }
  }

  private static void add(double[] row, double weight, double[] sums) {
    for (int c = 0; c < sums.length; c++) {
      sums[c] += weight * row[c];
    }
  }

  private void visit(int parts, IntConsumer part) {
    if ((long) classes * classes < SMALL) {
      IntStream.range(0, parts).forEach(part);
    } else {
      threads.visit(workers, 0, parts, (chain, index) -> part.accept(index));
    }
  }
}
