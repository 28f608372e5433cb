package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code f(w) = (w - 1)^2}. */
final class ArrayChiSquared implements ArrayDivergence {

  @Override
  public Sums measure(RatioArrays arrays) {
    INDArray curvature = arrays.curvature();
    Elementwise.clampedExp(arrays.logRatio(), 1.0, RATIO_EXPONENT, curvature);
    curvature.muli(2.0);
    curvature.subi(2.0, arrays.derivative());
    double[] mean = arrays.reductions().dot(arrays.prob(), arrays.derivative());
    arrays.prob().subi(arrays.reference(), arrays.scratch());
    // (p - q) (w - 1).
    double[] divergence = arrays.reductions().dot(arrays.scratch(), arrays.derivative());
    for (int row = 0; row < mean.length; row++) {
      divergence[row] *= 0.5;
    }
    return new Sums(mean, divergence);
  }

  /**
   * {@code (p - q w*) (w - w*)}, w* = max(0, 1 - d / 2); where it is cut off, t = -d lies below
   * f'(0) = -2, which adds {@code p (d - 2)}.
   */
  @Override
  public void gapTerms(GapArrays arrays) {
    INDArray other = arrays.scratch()[0];
    INDArray difference = arrays.scratch()[1];
    INDArray terms = arrays.terms();
    arrays.distance().muli(-0.5, other);
    other.addi(1.0);
    Elementwise.max(other, 0.0, other);
    Elementwise.clampedExp(arrays.logRatio(), 1.0, GapArrays.EXPONENT, terms);
    terms.subi(other);
    arrays.reference().muli(other, difference);
    arrays.prob().subi(difference, difference);
    terms.muli(difference);
    arrays.distance().subi(2.0, other);
    Elementwise.max(other, 0.0, other);
    other.muli(arrays.prob());
    terms.addi(other);
  }
}
