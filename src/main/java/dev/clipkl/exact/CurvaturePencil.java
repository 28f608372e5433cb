package dev.clipkl.exact;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * One row's local curvature {@code M = C^T B C}, {@code C = I - 1 p^T}, {@code B = diag(p c)},
 * against a metric {@code W = diag(w)}: counts, bounds and vectors of {@code M x = mu W x} in O(V),
 * without a matrix (THEORY 4.5, 4.6).
 *
 * <p>M is diagonal plus rank two: {@code M = B + U S U^T}, {@code U = [p, b]}, {@code S = [[sum b,
 * -1], [-1, 0]]}, with {@code b = p c}. Sylvester's law of inertia on the bordered matrix {@code
 * [[B - mu W, U], [U^T, -S^{-1}]]} gives for every mu above 0
 *
 * <p>{@code number of eigenvalues below mu = #{a: b_a < mu w_a} + (positive eigenvalues of F) - 1}
 *
 * <p>with {@code F = S^{-1} + U^T (B - mu W)^{-1} U}. Since p sums to 1, F is {@code [[P, mu R],
 * [mu R, mu T]]} with {@code P = sum p r}, {@code R = sum w r}, {@code T = sum c w r} and {@code
 * r_a = p_a / (b_a - mu w_a)}: one division per action.
 */
final class CurvaturePencil {
  private static final int MOST_NUDGES = 8;
  private static final double NUDGE = 4e-16;

  /** Relative distance from an eigenvalue at which inverse iteration shifts. */
  private static final double SHIFT = 1e-12;

  private static final int INVERSE_ITERATIONS = 3;

  private final double[] probabilities;
  private final double[] curvature;
  private final double[] metric;

  /**
   * A pencil over actions whose probabilities are all above 0.
   *
   * @param probabilities p, {@code [actions]}
   * @param curvature {@code c_a = w_a f''(w_a)}, {@code [actions]}
   * @param metric {@code [actions]}, above 0
   */
  CurvaturePencil(double[] probabilities, double[] curvature, double[] metric) {
    this.probabilities = probabilities;
    this.curvature = curvature;
    this.metric = metric;
  }

  int actions() {
    return probabilities.length;
  }

  private double diagonal(int a) {
    return probabilities[a] * curvature[a] / metric[a];
  }

  /** The three smallest of {@code b / w}, ascending; positive infinity where there are fewer. */
  double[] leastDiagonals() {
    double[] least = new double[3];
    Arrays.fill(least, Double.POSITIVE_INFINITY);
    for (int a = 0; a < probabilities.length; a++) {
      double value = diagonal(a);
      if (value < least[2]) {
        least[2] = value;
        Arrays.sort(least);
      }
    }
    return least;
  }

  /** The second largest of {@code b / w}. */
  double secondLargestDiagonal() {
    double largest = 0.0;
    double second = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      double value = diagonal(a);
      second = Math.max(second, Math.min(largest, value));
      largest = Math.max(largest, value);
    }
    return second;
  }

  /**
   * An upper bound of every eigenvalue, the least of three that cost one sweep: the largest entry
   * of {@code B / W} plus the positive eigenvalue of the rank-two part; the trace; and {@code max c
   * max(p / w)}, from {@code x^T M x <= max c Var_p(x)}.
   */
  double largestBound() {
    double sum = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      sum += probabilities[a] * curvature[a];
    }
    double largestDiagonal = 0.0;
    double largestCurvature = 0.0;
    double largestWeight = 0.0;
    double trace = 0.0;
    double pp = 0.0;
    double pb = 0.0;
    double bb = 0.0;
    for (int a = 0; a < probabilities.length; a++) {
      double p = probabilities[a];
      double b = p * curvature[a];
      largestDiagonal = Math.max(largestDiagonal, b / metric[a]);
      largestCurvature = Math.max(largestCurvature, curvature[a]);
      largestWeight = Math.max(largestWeight, p / metric[a]);
      trace += (b * (1.0 - p) * (1.0 - p) + p * p * Math.max(0.0, sum - b)) / metric[a];
      pp += p * p / metric[a];
      pb += p * b / metric[a];
      bb += b * b / metric[a];
    }
    double rankTwoTrace = sum * pp - 2.0 * pb;
    double gram = Math.max(0.0, pp * bb - pb * pb);
    double rankTwo = 0.5 * (rankTwoTrace + Math.sqrt(rankTwoTrace * rankTwoTrace + 4.0 * gram));
    return Math.min(
        largestDiagonal + Math.max(0.0, rankTwo),
        Math.min(trace, largestCurvature * largestWeight));
  }

  /**
   * How many eigenvalues lie below mu, the zero of the constant direction included.
   *
   * @param mu above 0
   * @throws ArithmeticException when the sums overflow
   */
  int eigenvaluesBelow(double mu) {
    double shifted = mu;
    // A shift that meets an entry of B / W exactly divides by zero; a few ulp further on is as
    // good.
    for (int i = 0; i < MOST_NUDGES; i++) {
      int below = 0;
      double sumP = 0.0;
      double sumR = 0.0;
      double sumT = 0.0;
      for (int a = 0; a < probabilities.length; a++) {
        double distance = probabilities[a] * curvature[a] - shifted * metric[a];
        double r = probabilities[a] / distance;
        if (distance < 0.0) {
          below++;
        }
        sumP += probabilities[a] * r;
        sumR += metric[a] * r;
        sumT += curvature[a] * metric[a] * r;
      }
      double determinant = sumP * sumT - shifted * sumR * sumR;
      if (Double.isFinite(determinant)) {
        if (determinant > 0.0) {
          return sumP > 0.0 ? below + 1 : below - 1;
        }
        return below;
      }
      shifted *= 1.0 + NUDGE;
    }
    throw new ArithmeticException("a row's curvature overflows float64 near " + mu);
  }

  /**
   * How far an approximate eigenvalue can be from a true one, relative to it: {@code |M x - rho W
   * x| / (rho |x|)} in the metric's norms plus {@code |rho - mu| / rho}, for a vector x from
   * inverse iteration and its Rayleigh quotient rho. It does not rest on the counts that found mu.
   */
  double relativeResidual(double mu) {
    double below = relativeResidual(mu, mu * (1.0 - SHIFT));
    // NaN when the shift is itself an entry of B / W.
    return Double.isNaN(below) ? relativeResidual(mu, mu * (1.0 + SHIFT)) : below;
  }

  private double relativeResidual(double mu, double shift) {
    SplittableRandom random = new SplittableRandom(probabilities.length);
    double[] vector = new double[probabilities.length];
    for (int a = 0; a < vector.length; a++) {
      vector[a] = random.nextDouble(-1.0, 1.0) / Math.sqrt(metric[a]);
    }
    for (int i = 0; i < INVERSE_ITERATIONS; i++) {
      solveShifted(shift, vector);
    }
    return relativeResidual(mu, vector);
  }

  /** {@code x <- (M - shift W)^{-1} W x} by Woodbury's identity, then scaled to length 1. */
  private void solveShifted(double shift, double[] vector) {
    double sumP = 0.0;
    double sumR = 0.0;
    double sumT = 0.0;
    double projectionP = 0.0;
    double projectionB = 0.0;
    for (int a = 0; a < vector.length; a++) {
      double p = probabilities[a];
      double distance = p * curvature[a] - shift * metric[a];
      double r = p / distance;
      sumP += p * r;
      sumR += metric[a] * r;
      sumT += curvature[a] * metric[a] * r;
      vector[a] *= metric[a] / distance;
      projectionP += p * vector[a];
      projectionB += p * curvature[a] * vector[a];
    }
    double determinant = shift * (sumP * sumT - shift * sumR * sumR);
    double first = shift * (sumT * projectionP - sumR * projectionB) / determinant;
    double second = (sumP * projectionB - shift * sumR * projectionP) / determinant;
    double weightedSum = 0.0;
    double weight = 0.0;
    for (int a = 0; a < vector.length; a++) {
      double distance = probabilities[a] * curvature[a] - shift * metric[a];
      vector[a] -= probabilities[a] / distance * (first + curvature[a] * second);
      weightedSum += metric[a] * vector[a];
      weight += metric[a];
    }
    // Rounding brings back some of the constant direction, which every other eigenvector is
    // orthogonal to.
    double constant = weightedSum / weight;
    double squared = 0.0;
    for (int a = 0; a < vector.length; a++) {
      vector[a] -= constant;
      squared += metric[a] * vector[a] * vector[a];
    }
    double length = Math.sqrt(squared);
    for (int a = 0; a < vector.length; a++) {
      vector[a] /= length;
    }
  }

  private double relativeResidual(double mu, double[] vector) {
    double mean = 0.0;
    for (int a = 0; a < vector.length; a++) {
      mean += probabilities[a] * vector[a];
    }
    double meanCurved = 0.0;
    double energy = 0.0;
    double squared = 0.0;
    for (int a = 0; a < vector.length; a++) {
      double centred = vector[a] - mean;
      double curved = probabilities[a] * curvature[a] * centred;
      meanCurved += curved;
      energy += curved * centred;
      squared += metric[a] * vector[a] * vector[a];
    }
    double quotient = energy / squared;
    double residual = 0.0;
    for (int a = 0; a < vector.length; a++) {
      double image = probabilities[a] * (curvature[a] * (vector[a] - mean) - meanCurved);
      double difference = image - quotient * metric[a] * vector[a];
      residual += difference * difference / metric[a];
    }
    return (Math.sqrt(residual / squared) + Math.abs(quotient - mu)) / quotient;
  }
}
