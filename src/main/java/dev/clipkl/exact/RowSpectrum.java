package dev.clipkl.exact;

import java.util.Arrays;
import java.util.function.DoublePredicate;
import java.util.stream.IntStream;

/**
 * Extreme non-zero eigenvalues of a row's local curvature, which set its tail rate (THEORY 4.5).
 *
 * <p>Near its optimum a row's surrogate is {@code -lambda / 2 x^T M x} in its logits, {@code x^T M
 * x = sum_a p_a c_a (x_a - E_p x)^2} with {@code c_a = w_a f''(w_a)}; lambda and the state's weight
 * stay outside. A gradient step multiplies the modes of {@code I - step M}, a preconditioned one
 * those of {@code I - step diag(1 / (p h)) M}.
 *
 * <p>Eigenvalues are found by bisection on exact eigenvalue counts ({@link CurvaturePencil}),
 * between neighbours that interlacing gives: about 55 sweeps of O(V) per end, whatever the
 * clustering of the spectrum. Their relative error is about {@code 1e-16 sqrt(V)} times the
 * condition of the sums, and measured a posteriori.
 */
public final class RowSpectrum {
  private RowSpectrum() {}

  /**
   * The two ends of a spectrum, the zero of the constant direction left out.
   *
   * @param smallest 0 when a direction beside the constant one has no curvature
   * @param largest at least {@code smallest}
   * @param iterations sweeps over the row that both ends took
   * @param residual relative: an eigenvalue lies within {@code residual * end} of either end, by a
   *     vector that inverse iteration found or by interlacing; the larger of the two. It is
   *     measured in float64, so that it says little about a smallest eigenvalue below 1e-20, whose
   *     value bisection still resolves
   */
  public record Extremes(double smallest, double largest, int iterations, double residual) {}

  /**
   * Quick bounds of a spectrum.
   *
   * @param lower at most the smallest eigenvalue
   * @param upper at least the largest eigenvalue
   */
  public record Bounds(double lower, double upper) {}

  /**
   * Extreme non-zero eigenvalues of {@code M = H D H}, {@code H = diag(p) - p p^T}, {@code D =
   * diag(c / p)} (THEORY 4.5, 4.6): those of the gradient step.
   *
   * <p>An action of probability exactly 0 has no curvature, so that {@code smallest} is then 0.
   *
   * @param probabilities p, {@code [actions]}, summing to 1
   * @param curvature {@code c_a = w_a f''(w_a)}, {@code [actions]}; unread where p is 0
   * @throws IllegalArgumentException when the lengths differ or are below 2
   * @throws ArithmeticException when a probability is negative or a curvature negative or not
   *     finite, NaN included
   */
  public static Extremes of(double[] probabilities, double[] curvature) {
    CurvaturePencil pencil = gradientPencil(probabilities, curvature);
    return extremes(
        pencil,
        gradientUpper(pencil, curvature, probabilities),
        pencil.actions() < probabilities.length);
  }

  /**
   * Extreme non-zero eigenvalues of a preconditioned step's operator {@code diag(1 / (p h)) M =
   * diag(1 / h) C diag(c) C}, {@code C = I - 1 p^T}: the derivative of {@code (G_a - E_p G) /
   * (lambda h_a)} at the optimum, sign reversed. It is self-adjoint under the weights {@code p h}.
   *
   * <p>With {@code h = 1} (natural) the spectrum lies between the least and the largest c. With
   * {@code h = c} (Newton) it does not collapse to 1, because the direction is centred before it is
   * divided by h. Actions of probability 0 are left out: their logits fall at the rate of their KKT
   * slack, which no local linear model describes.
   *
   * @param probabilities p, {@code [actions]}, summing to 1
   * @param curvature {@code c_a = w_a f''(w_a)}, {@code [actions]}; unread where p is 0
   * @param preconditioner h, {@code [actions]}, above 0; unread where p is 0
   * @throws IllegalArgumentException when the lengths differ or are below 2
   * @throws ArithmeticException as for {@link #of}, and when a preconditioner is not above 0 and
   *     finite
   */
  public static Extremes preconditioned(
      double[] probabilities, double[] curvature, double[] preconditioner) {
    CurvaturePencil pencil = preconditionedPencil(probabilities, curvature, preconditioner);
    return extremes(pencil, pencil.largestBound(), false);
  }

  /**
   * Bounds of {@link #of} in one sweep.
   *
   * <p>Below: {@code min_a p_a c_a}, since for x orthogonal to 1, {@code sum b (x - E_p x)^2 >= min
   * b min_k sum (x - k)^2 = min b |x|^2}. Above: see {@link CurvaturePencil#largestBound}, and
   * {@code max c / 2}, since a vector of length 1 has a variance of at most 1/2.
   */
  public static Bounds bounds(double[] probabilities, double[] curvature) {
    CurvaturePencil pencil = gradientPencil(probabilities, curvature);
    boolean hasZeros = pencil.actions() < probabilities.length;
    return new Bounds(
        hasZeros ? 0.0 : pencil.leastDiagonals()[0],
        gradientUpper(pencil, curvature, probabilities));
  }

  /**
   * Bounds of {@link #preconditioned} in one sweep; below {@code min_a c_a / h_a} by the same proof
   * as for {@link #bounds}, in the norm of weights {@code p h}.
   */
  public static Bounds preconditionedBounds(
      double[] probabilities, double[] curvature, double[] preconditioner) {
    CurvaturePencil pencil = preconditionedPencil(probabilities, curvature, preconditioner);
    return new Bounds(pencil.leastDiagonals()[0], pencil.largestBound());
  }

  private static double gradientUpper(
      CurvaturePencil pencil, double[] curvature, double[] probabilities) {
    double largestCurvature = 0.0;
    for (int a = 0; a < curvature.length; a++) {
      if (probabilities[a] > 0.0) {
        largestCurvature = Math.max(largestCurvature, curvature[a]);
      }
    }
    return Math.min(pencil.largestBound(), 0.5 * largestCurvature);
  }

  private static Extremes extremes(CurvaturePencil pencil, double upper, boolean hasZeros) {
    if (pencil.actions() < 2 || !(upper > 0.0)) {
      return new Extremes(0.0, 0.0, 0, 0.0);
    }
    // M = B + a rank-two matrix with one eigenvalue of each sign, so that eigenvalues interlace the
    // sorted entries of B: the second is between the first and the third of them, the last is above
    // the last but one.
    double[] least = pencil.leastDiagonals();
    End smallest =
        hasZeros || !(least[1] > 0.0)
            ? new End(0.0, 0, 0.0)
            : end(
                pencil,
                least[0],
                Math.min(least[2], upper),
                mu -> pencil.eigenvaluesBelow(mu) <= 1);
    End largest =
        end(
            pencil,
            Math.min(pencil.secondLargestDiagonal(), upper),
            upper,
            mu -> pencil.eigenvaluesBelow(mu) < pencil.actions());
    return new Extremes(
        smallest.value,
        largest.value,
        smallest.sweeps + largest.sweeps,
        Math.max(smallest.residual, largest.residual));
  }

  private record End(double value, int sweeps, double residual) {}

  /** One end between neighbours that interlacing gives; their own distance bounds its error too. */
  private static End end(
      CurvaturePencil pencil, double lower, double upper, DoublePredicate isBelow) {
    Bisection.Bracket bracket = Bisection.narrow(lower, upper, isBelow);
    double value = bracket.middle();
    double residual = Math.min(pencil.relativeResidual(value), (upper - lower) / value);
    return new End(value, bracket.steps(), residual);
  }

  private static CurvaturePencil gradientPencil(double[] probabilities, double[] curvature) {
    int[] support = support(probabilities, curvature);
    double[] metric = new double[support.length];
    Arrays.fill(metric, 1.0);
    return new CurvaturePencil(select(probabilities, support), select(curvature, support), metric);
  }

  private static CurvaturePencil preconditionedPencil(
      double[] probabilities, double[] curvature, double[] preconditioner) {
    if (preconditioner.length != probabilities.length) {
      throw new IllegalArgumentException(
          "a preconditioner needs %d entries, one per action, got %d"
              .formatted(probabilities.length, preconditioner.length));
    }
    int[] support = support(probabilities, curvature);
    double[] metric = new double[support.length];
    for (int i = 0; i < support.length; i++) {
      double h = preconditioner[support[i]];
      if (!(h > 0.0 && h < Double.POSITIVE_INFINITY)) {
        throw new ArithmeticException(
            "preconditioner of action %d must be above 0 and finite, got %s"
                .formatted(support[i], h));
      }
      metric[i] = probabilities[support[i]] * h;
    }
    return new CurvaturePencil(select(probabilities, support), select(curvature, support), metric);
  }

  private static int[] support(double[] probabilities, double[] curvature) {
    if (probabilities.length < 2 || curvature.length != probabilities.length) {
      throw new IllegalArgumentException(
          "a row's spectrum needs two actions or more and one curvature for each, got %d and %d"
              .formatted(probabilities.length, curvature.length));
    }
    for (int a = 0; a < probabilities.length; a++) {
      boolean valid =
          probabilities[a] == 0.0
              || (probabilities[a] > 0.0
                  && probabilities[a] < Double.POSITIVE_INFINITY
                  && curvature[a] >= 0.0
                  && curvature[a] < Double.POSITIVE_INFINITY);
      if (!valid) {
        throw new ArithmeticException(
            "action %d must have a probability and a curvature of at least 0, got %s and %s"
                .formatted(a, probabilities[a], curvature[a]));
      }
    }
    return IntStream.range(0, probabilities.length).filter(a -> probabilities[a] > 0.0).toArray();
  }

  private static double[] select(double[] values, int[] indices) {
    return Arrays.stream(indices).mapToDouble(a -> values[a]).toArray();
  }
}
