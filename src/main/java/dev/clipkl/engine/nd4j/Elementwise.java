package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMax;
import org.nd4j.linalg.api.ops.impl.scalar.ScalarMin;
import org.nd4j.linalg.api.ops.impl.scalar.Step;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.Axpy;
import org.nd4j.linalg.api.ops.impl.transforms.same.Abs;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Exp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log1p;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Elementary functions from array to array, float32 or float64; source and destination may be the
 * same. No operation makes an array.
 *
 * <p>Each entry's result depends on that entry alone, not on its place in the array: {@code
 * Nd4jEngineTest} holds this.
 */
final class Elementwise {
  /** Beyond it {@code e^x - (1 + x)} loses five bits at most. */
  static final double SERIES_RADIUS = 0.25;

  /** {@code 1 / (n + 2)!}. */
  private static final double[] SERIES = series();

  private Elementwise() {}

  private static double[] series() {
    double[] coefficients = new double[9];
    double factorial = 1.0;
    for (int n = 0; n < coefficients.length; n++) {
      factorial *= n + 2;
      coefficients[n] = 1.0 / factorial;
    }
    return coefficients;
  }

  private static void run(Op op) {
    Nd4j.getExecutioner().exec(op);
  }

  static void exp(INDArray source, INDArray destination) {
    run(new Exp(source, destination));
  }

  /** {@code e^{scale x}}, the exponent clamped to [-limit, limit]. */
  static void clampedExp(INDArray source, double scale, double limit, INDArray destination) {
    source.muli(scale, destination);
    clamp(destination, -limit, limit, destination);
    exp(destination, destination);
  }

  static void log(INDArray source, INDArray destination) {
    run(new Log(source, destination));
  }

  static void sqrt(INDArray source, INDArray destination) {
    run(new Sqrt(source, destination));
  }

  static void abs(INDArray source, INDArray destination) {
    run(new Abs(source, destination));
  }

  static void max(INDArray source, double bound, INDArray destination) {
    run(new ScalarMax(source, null, destination, bound));
  }

  static void min(INDArray source, double bound, INDArray destination) {
    run(new ScalarMin(source, null, destination, bound));
  }

  static void clamp(INDArray source, double least, double largest, INDArray destination) {
    max(source, least, destination);
    min(destination, largest, destination);
  }

  /** 1 where {@code x > bound}, else 0. */
  static void above(INDArray source, double bound, INDArray destination) {
    run(new Step(source, destination, bound));
  }

  /** {@code destination = scale x + y}. */
  static void addScaled(double scale, INDArray x, INDArray y, INDArray destination) {
    run(new Axpy(x, y, destination, scale));
  }

  /** {@code log(1 + e^x)} without overflow. */
  static void softplus(INDArray source, INDArray destination, INDArray scratch) {
    max(source, 0.0, scratch);
    abs(source, destination);
    destination.negi();
    exp(destination, destination);
    run(new Log1p(destination, destination));
    destination.addi(scratch);
  }

  /**
   * {@code e^x - 1 - x} for |x| up to {@link #SERIES_RADIUS}, relative error 1e-11: nine terms of
   * its series by Horner's rule. ND4J's expm1 is {@code exp(x) - 1} and would lose every digit.
   */
  static void expMinusLinear(INDArray source, INDArray destination) {
    destination.assign(SERIES[SERIES.length - 1]);
    for (int n = SERIES.length - 2; n >= 0; n--) {
      destination.muli(source).addi(SERIES[n]);
    }
    destination.muli(source).muli(source);
  }

  /**
   * {@code factor (e^x - 1 - x)}, without cancellation near 0 and without overflow.
   *
   * @param product {@code factor e^x} computed some other way
   * @param scratch two arrays
   */
  static void scaledExpMinusLinear(
      INDArray factor, INDArray x, INDArray product, INDArray destination, INDArray... scratch) {
    INDArray far = scratch[0];
    INDArray near = scratch[1];
    clamp(x, -SERIES_RADIUS, SERIES_RADIUS, near);
    expMinusLinear(near, destination);
    destination.muli(factor);
    x.addi(1.0, far);
    far.muli(factor);
    product.subi(far, far);
    INDArray isFar = near;
    abs(x, isFar);
    above(isFar, SERIES_RADIUS, isFar);
    choose(isFar, far, destination);
  }

  /** {@code destination = isFar ? far : destination}; both are finite. Overwrites far. */
  static void choose(INDArray isFar, INDArray far, INDArray destination) {
    far.subi(destination);
    far.muli(isFar);
    destination.addi(far);
  }
}
