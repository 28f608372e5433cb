package dev.clipkl.engine.nd4j;

import org.nd4j.linalg.api.ndarray.INDArray;

/** {@code f(w) = (w^alpha - alpha w + alpha - 1) / (alpha (alpha - 1))}. */
final class ArrayAlpha implements ArrayDivergence {
  private final double alpha;
  private final double denominator;

  /** Where both exponentials of the near form are small. */
  private final double nearRadius;

  ArrayAlpha(double alpha) {
    this.alpha = alpha;
    denominator = alpha * (alpha - 1.0);
    nearRadius = Elementwise.SERIES_RADIUS / Math.max(1.0, Math.abs(alpha));
  }

  @Override
  public Sums measure(RatioArrays arrays) {
    INDArray power = arrays.curvature();
    Elementwise.clampedExp(arrays.logRatio(), alpha - 1.0, RATIO_EXPONENT, power);
    power.subi(1.0, arrays.derivative());
    arrays.derivative().muli(1.0 / (alpha - 1.0));
    double[] mean = arrays.reductions().dot(arrays.prob(), arrays.derivative());
    double[] divergence = new double[mean.length];
    for (int row = 0; row < mean.length; row++) {
      // sum p w^(alpha-1) = 1 + (alpha - 1) E_p f'.
      divergence[row] = (mean[row] + arrays.referenceMass()[row] - 1.0) / alpha;
    }
    return new Sums(mean, divergence);
  }

  /**
   * With v = w*, {@code b = v^(alpha-1)} and {@code x = log(w / v)}: near the optimum {@code q
   * v^alpha (phi(alpha x) - alpha phi(x)) / (alpha (alpha - 1))}, {@code phi(x) = e^x - 1 - x};
   * elsewhere {@code (p w^(alpha-1) - alpha b p + (alpha - 1) q v^alpha) / (alpha (alpha - 1))}.
   */
  @Override
  public void gapTerms(GapArrays arrays) {
    INDArray best = arrays.scratch()[0];
    INDArray bestPower = arrays.scratch()[1];
    INDArray x = arrays.scratch()[2];
    INDArray near = arrays.scratch()[3];
    INDArray scratch = arrays.scratch()[4];
    INDArray terms = arrays.terms();
    // b is cut off at 0, where t = -d lies below f'(0), only for alpha above 1.
    arrays.distance().muli(1.0 - alpha, best);
    best.addi(alpha < 1.0 ? 0.0 : 1.0);
    Elementwise.max(best, Double.MIN_NORMAL, bestPower);
    Elementwise.log(bestPower, bestPower);
    bestPower.muli(1.0 / (alpha - 1.0));
    arrays.logRatio().subi(bestPower, x);
    Elementwise.clampedExp(bestPower, alpha, GapArrays.EXPONENT, bestPower);
    bestPower.muli(arrays.reference());
    farTerms(arrays, best, bestPower, scratch);
    Elementwise.clamp(x, -nearRadius, nearRadius, near);
    Elementwise.expMinusLinear(near, scratch);
    near.muli(alpha);
    // b is read no more.
    Elementwise.expMinusLinear(near, best);
    Elementwise.addScaled(-alpha, scratch, best, near);
    near.muli(bestPower).muli(1.0 / denominator);
    // The near terms where |x| is below the radius.
    Elementwise.abs(x, x);
    Elementwise.above(x, nearRadius, x);
    Elementwise.choose(x, terms, near);
    terms.assign(near);
    if (alpha > 1.0) {
      arrays.distance().subi(1.0 / (alpha - 1.0), scratch);
      Elementwise.max(scratch, 0.0, scratch);
      scratch.muli(arrays.prob());
      terms.addi(scratch);
    }
  }

  private void farTerms(GapArrays arrays, INDArray best, INDArray bestPower, INDArray scratch) {
    INDArray terms = arrays.terms();
    Elementwise.max(best, 0.0, best);
    Elementwise.clampedExp(arrays.logRatio(), alpha - 1.0, GapArrays.EXPONENT, terms);
    Elementwise.addScaled(-alpha, best, terms, terms);
    terms.muli(arrays.prob());
    bestPower.muli(alpha - 1.0, scratch);
    terms.addi(scratch).muli(1.0 / denominator);
  }
}
