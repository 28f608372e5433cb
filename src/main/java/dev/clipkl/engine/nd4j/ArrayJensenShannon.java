package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code f(w) = (w log w - (1 + w) log((1 + w) / 2)) / 2}. */
final class ArrayJensenShannon implements ArrayDivergence {
  private static final double LOG_2 = Math.log(2.0);

  @Override
  public Sums measure(RatioArrays arrays) {
    INDArray softplus = arrays.scratch();
    Elementwise.softplus(arrays.logRatio(), softplus, arrays.derivative());
    if (arrays.wantsCurvature()) {
      // w f'' = 1 / (2 (1 + w)).
      softplus.muli(-1.0, arrays.curvature());
      Elementwise.exp(arrays.curvature(), arrays.curvature());
      arrays.curvature().muli(0.5);
    }
    // f' = (log 2 - softplus(-l)) / 2, softplus(-l) = softplus(l) - l. For large l the difference
    // loses its digits, where it is below the rounding of log 2.
    arrays.logRatio().subi(softplus, arrays.derivative());
    arrays.derivative().addi(LOG_2).muli(0.5);
    double[] mean = arrays.reductions().dot(arrays.prob(), arrays.derivative());
    double[] mixture = arrays.reductions().dot(arrays.reference(), softplus);
    double[] divergence = new double[mean.length];
    for (int row = 0; row < mean.length; row++) {
      // p l - p softplus(l) + p log 2 = 2 p f'.
      divergence[row] = mean[row] + 0.5 * (LOG_2 * arrays.referenceMass()[row] - mixture[row]);
    }
    return new Sums(mean, divergence);
  }

  /**
   * With {@code x = log w - log v}, v = w*, and {@code m = log((1 + w) / (1 + v))}: {@code (p
   * (e^{-x} - 1 + x) - (p + q) (e^{-m} - 1 + m)) / 2}, where the linear parts have cancelled.
   */
  @Override
  public void gapTerms(GapArrays arrays) {
    INDArray logOther = arrays.scratch()[0];
    INDArray best = arrays.scratch()[1];
    INDArray x = arrays.scratch()[2];
    INDArray first = arrays.scratch()[3];
    INDArray second = arrays.scratch()[4];
    INDArray terms = arrays.terms();
    // log v = -2 d - log(1 - e^{-2 d}); where d is small 1 - e^y = -y - (e^y - 1 - y).
    arrays.distance().muli(-2.0, logOther);
    Elementwise.max(logOther, -Elementwise.SERIES_RADIUS, second);
    Elementwise.expMinusLinear(second, x);
    x.addi(second);
    Elementwise.exp(logOther, first);
    first.subi(1.0);
    arrays.distance().muli(2.0, second);
    Elementwise.above(second, Elementwise.SERIES_RADIUS, second);
    Elementwise.choose(second, first, x);
    x.negi();
    Elementwise.log(x, x);
    logOther.subi(x);
    Elementwise.exp(logOther, best);
    best.muli(arrays.reference());
    logOther.subi(arrays.logRatio(), x);
    Elementwise.scaledExpMinusLinear(arrays.prob(), x, best, terms, first, second);
    // -m in x, p + q in logOther, (p + q) e^{-m} = q + p* in best.
    Elementwise.softplus(logOther, x, first);
    Elementwise.softplus(arrays.logRatio(), second, first);
    x.subi(second);
    best.addi(arrays.reference());
    arrays.prob().addi(arrays.reference(), logOther);
    // The distance is read no more.
    Elementwise.scaledExpMinusLinear(logOther, x, best, first, second, arrays.distance());
    terms.subi(first).muli(0.5);
  }
}
