package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code f(w) = (sqrt(w) - 1)^2}. */
final class ArrayHellinger implements ArrayDivergence {

  @Override
  public Sums measure(RatioArrays arrays) {
    INDArray derivative = arrays.derivative();
    INDArray curvature = arrays.curvature();
    Elementwise.clampedExp(arrays.logRatio(), 0.5, RATIO_EXPONENT, arrays.scratch());
    arrays.scratch().rdivi(1.0, curvature);
    curvature.rsubi(1.0, derivative);
    double[] mean = arrays.reductions().dot(arrays.prob(), derivative);
    if (arrays.wantsCurvature()) {
      curvature.muli(0.5);
    }
    arrays.scratch().subi(1.0);
    arrays.scratch().muli(arrays.scratch());
    return new Sums(mean, arrays.reductions().dot(arrays.reference(), arrays.scratch()));
  }

  /** {@code q (e^x - 1)^2 / d} with {@code x = log w / 2 + log d}, since sqrt(w*) = 1 / d. */
  @Override
  public void gapTerms(GapArrays arrays) {
    INDArray logDistance = arrays.scratch()[0];
    INDArray terms = arrays.terms();
    Elementwise.log(arrays.distance(), logDistance);
    Elementwise.addScaled(0.5, arrays.logRatio(), logDistance, terms);
    Elementwise.min(terms, 0.5 * GapArrays.EXPONENT, terms);
    // A square: what exp(x) - 1 loses near 0 is nothing beside it.
    Elementwise.exp(terms, terms);
    terms.subi(1.0);
    terms.muli(terms);
    terms.muli(arrays.reference());
    terms.divi(arrays.distance());
  }
}
