package dev.clipkl.engine.vector;

import static dev.clipkl.engine.vector.DoubleLanes.LANES;
import static dev.clipkl.engine.vector.DoubleLanes.SPECIES;
import static dev.clipkl.engine.vector.DoubleLanes.exp;
import static dev.clipkl.engine.vector.DoubleLanes.log;

import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Divergences whose ratio is a power of a linear function of the distance d: {@code w = b^k},
 * {@code b = max(0, intercept + slope d)}, {@code w f'' = c b}, {@code f* = (w b - 1) / alpha}, or
 * its limit {@code -log b} at alpha = 0.
 *
 * <p>Powers that square roots and divisions can form need no logarithm.
 */
final class PowerRatios implements OptimumRatios {
  private final double intercept;
  private final double slope;
  private final double power;
  private final double curvatureFactor;
  private final double alpha;
  private final double[] base = new double[OptimumChunk.CAPACITY];

  /**
   * A family of powers.
   *
   * @param power k, below 0 with intercept 0 and above 0 with intercept 1
   * @param curvatureFactor c
   * @param alpha of the conjugate; 0 for forward KL
   */
  PowerRatios(double intercept, double slope, double power, double curvatureFactor, double alpha) {
    this.intercept = intercept;
    this.slope = slope;
    this.power = power;
    this.curvatureFactor = curvatureFactor;
    this.alpha = alpha;
  }

  @Override
  public void measure(OptimumChunk chunk) {
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector b = DoubleVector.fromArray(SPECIES, chunk.distance, i).mul(slope).add(intercept);
      b.blend(0.0, b.lt(0.0)).intoArray(base, i);
    }
    if (!isRoot(power)) {
      log(base, 0.0, chunk.roundings, chunk.length);
    }
    raise(base, power, chunk.roundings, chunk.ratio, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector b = DoubleVector.fromArray(SPECIES, base, i);
      DoubleVector w = DoubleVector.fromArray(SPECIES, chunk.ratio, i);
      VectorMask<Double> positive = b.compare(VectorOperators.GT, 0.0);
      DoubleVector zero = DoubleVector.zero(SPECIES);
      zero.blend(w, positive).intoArray(chunk.ratio, i);
      zero.blend(w.div(b.mul(curvatureFactor)), positive).intoArray(chunk.sensitivity, i);
    }
  }

  @Override
  public void certify(OptimumChunk chunk) {
    measure(chunk);
    if (isRoot(power)) {
      Arrays.fill(chunk.roundings, 0, chunk.length, 1.0);
    } else {
      for (int i = 0; i < chunk.length; i += LANES) {
        // Where b is 0 its logarithm stands for nothing.
        VectorMask<Double> positive =
            DoubleVector.fromArray(SPECIES, base, i).compare(VectorOperators.GT, 0.0);
        DoubleVector logRatio =
            DoubleVector.fromArray(SPECIES, chunk.roundings, i).mul(power).abs();
        DoubleVector.zero(SPECIES).blend(logRatio, positive).add(1.0).intoArray(chunk.roundings, i);
      }
    }
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector product =
          DoubleVector.fromArray(SPECIES, base, i)
              .mul(DoubleVector.fromArray(SPECIES, chunk.ratio, i));
      product.mul(curvatureFactor).intoArray(chunk.curvature, i);
      product.sub(1.0).div(alpha).intoArray(chunk.conjugate, i);
    }
    if (alpha == 0.0) {
      log(base, 0.0, chunk.conjugate, chunk.length);
      for (int i = 0; i < chunk.length; i += LANES) {
        DoubleVector.fromArray(SPECIES, chunk.conjugate, i).neg().intoArray(chunk.conjugate, i);
      }
    }
  }

  /** Inverts {@code 1 / q = (slope d)^k}. */
  @Override
  public void loneDistances(OptimumChunk chunk) {
    if (!(power < 0.0)) {
      throw new UnsupportedOperationException("f' has no supremum");
    }
    double inverse = -1.0 / power;
    if (!isRoot(inverse)) {
      log(chunk.ratio, 0.0, chunk.scratch, chunk.length);
    }
    raise(chunk.ratio, inverse, chunk.scratch, chunk.distance, chunk.length);
    for (int i = 0; i < chunk.length; i += LANES) {
      DoubleVector.fromArray(SPECIES, chunk.distance, i).div(slope).intoArray(chunk.distance, i);
    }
  }

  private static boolean isRoot(double power) {
    double size = Math.abs(power);
    return size == 0.5 || size == 1.0 || size == 2.0;
  }

  /** {@code destination = b^power}, by the logarithms of b where it is not a root. */
  private static void raise(
      double[] b, double power, double[] logarithms, double[] destination, int length) {
    if (!isRoot(power)) {
      exp(logarithms, power, destination, length);
      return;
    }
    double size = Math.abs(power);
    for (int i = 0; i < length; i += LANES) {
      DoubleVector x = DoubleVector.fromArray(SPECIES, b, i);
      if (size == 0.5) {
        x = x.sqrt();
      } else if (size == 2.0) {
        x = x.mul(x);
      }
      if (power < 0.0) {
        x = DoubleVector.broadcast(SPECIES, 1.0).div(x);
      }
      x.intoArray(destination, i);
    }
  }
}
