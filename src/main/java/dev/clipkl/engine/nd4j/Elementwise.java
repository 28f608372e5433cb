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
import org.nd4j.linalg.api.ops.impl.transforms.strict.Expm1;
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
  /** Beyond it {@code e^x - (1 + x)} loses no digit. */
  private static final double CANCELLATION_ENDS = 30.0;

  private Elementwise() {}

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

  static void expm1(INDArray source, INDArray destination) {
    run(new Expm1(source, destination));
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
   * {@code factor (e^x - 1 - x)}, without cancellation near 0 and without overflow.
   *
   * @param product {@code factor e^x} computed some other way, for x above 30
   * @param scratch two arrays
   */
  static void scaledExpMinusLinear(
      INDArray factor, INDArray x, INDArray product, INDArray destination, INDArray... scratch) {
    INDArray far = scratch[0];
    INDArray isFar = scratch[1];
    above(x, CANCELLATION_ENDS, isFar);
    min(x, CANCELLATION_ENDS, destination);
    exp(destination, far);
    far.muli(factor);
    product.subi(far, far);
    far.muli(isFar);
    expm1(destination, destination);
    destination.subi(x);
    destination.muli(factor);
    destination.addi(far);
  }
}
