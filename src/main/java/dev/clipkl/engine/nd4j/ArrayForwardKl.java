package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code f(w) = -log w + w - 1}. */
final class ArrayForwardKl implements ArrayDivergence {

  /** {@code E_p f' = sum p - q} never forms 1 / w, so it also holds where p underflows. */
  @Override
  public Sums measure(RatioArrays arrays) {
    Elementwise.clampedExp(arrays.logRatio(), -1.0, RATIO_EXPONENT, arrays.curvature());
    arrays.curvature().rsubi(1.0, arrays.derivative());
    double[] divergence = arrays.reductions().dot(arrays.reference(), arrays.logRatio());
    double[] mean = new double[divergence.length];
    for (int row = 0; row < mean.length; row++) {
      mean[row] = 1.0 - arrays.referenceMass()[row];
      divergence[row] = mean[row] - divergence[row];
    }
    return new Sums(mean, divergence);
  }

  /** {@code q (e^x - 1 - x)}, x = log(w / w*), with {@code q e^x = p distance}. */
  @Override
  public void gapTerms(GapArrays arrays) {
    INDArray x = arrays.scratch()[0];
    INDArray product = arrays.scratch()[1];
    Elementwise.log(arrays.distance(), x);
    x.addi(arrays.logRatio());
    arrays.prob().muli(arrays.distance(), product);
    Elementwise.scaledExpMinusLinear(
        arrays.reference(), x, product, arrays.terms(), arrays.scratch()[2], arrays.scratch()[3]);
  }
}
