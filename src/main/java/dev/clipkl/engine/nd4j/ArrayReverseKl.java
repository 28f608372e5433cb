package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code f(w) = w log w - w + 1}. */
final class ArrayReverseKl implements ArrayDivergence {

  @Override
  public Sums measure(RatioArrays arrays) {
    arrays.derivative().assign(arrays.logRatio());
    if (arrays.wantsCurvature()) {
      arrays.curvature().assign(1.0);
    }
    double[] mean = arrays.reductions().dot(arrays.prob(), arrays.logRatio());
    double[] divergence = new double[mean.length];
    for (int row = 0; row < mean.length; row++) {
      divergence[row] = mean[row] + (arrays.referenceMass()[row] - 1.0);
    }
    return new Sums(mean, divergence);
  }

  /** {@code p (e^x - 1 - x)}, x = log(w* / w), with {@code p e^x = q e^{-distance} = p*}. */
  @Override
  public void gapTerms(GapArrays arrays) {
    INDArray x = arrays.scratch()[0];
    INDArray best = arrays.scratch()[1];
    arrays.distance().addi(arrays.logRatio(), x);
    x.negi();
    arrays.distance().muli(-1.0, best);
    Elementwise.exp(best, best);
    best.muli(arrays.reference());
    Elementwise.scaledExpMinusLinear(
        arrays.prob(), x, best, arrays.terms(), arrays.scratch()[2], arrays.scratch()[3]);
  }
}
