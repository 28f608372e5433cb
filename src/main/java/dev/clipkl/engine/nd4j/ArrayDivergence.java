package dev.clipkl.engine.nd4j;

import dev.clipkl.objective.AlphaDivergence;
import dev.clipkl.objective.ChiSquared;
import dev.clipkl.objective.Divergence;
import dev.clipkl.objective.ForwardKl;
import dev.clipkl.objective.JensenShannon;
import dev.clipkl.objective.ReverseKl;
import dev.clipkl.objective.SquaredHellinger;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A divergence on arrays {@code [rows, padded]}, float32 within row programs, float64 to report.
 */
interface ArrayDivergence {
  /**
   * Ratios are formed as exponentials clamped to e^-80 .. e^80, so that float32 products with
   * lambda and an advantage stay finite. A probability leaves this range of its reference only
   * where its share of every sum is below float32 resolution.
   */
  double RATIO_EXPONENT = 80.0;

  /**
   * {@code E_p f'(w)} and {@code sum q f(w)} per row.
   *
   * @param meanDerivative nats
   * @param divergence nats
   */
  record Sums(double[] meanDerivative, double[] divergence) {}

  /**
   * Fills {@link RatioArrays#derivative}, and {@link RatioArrays#curvature} where it is wanted,
   * which may be overwritten where it is not; returns the sums.
   */
  Sums measure(RatioArrays arrays);

  /**
   * Fills {@link GapArrays#terms} with {@code q (f(w) + f*(t) - t w) >= 0} (THEORY 1.10), in
   * float64, without cancellation near the optimum.
   */
  void gapTerms(GapArrays arrays);

  /** The array form of a divergence. */
  static ArrayDivergence of(Divergence divergence) {
    return switch (divergence) {
      case ReverseKl f -> new ArrayReverseKl();
      case ForwardKl f -> new ArrayForwardKl();
      case JensenShannon f -> new ArrayJensenShannon();
      case ChiSquared f -> new ArrayChiSquared();
      case SquaredHellinger f -> new ArrayHellinger();
      case AlphaDivergence f -> new ArrayAlpha(f.alpha());
    };
  }

  /**
   * What a divergence reads and writes. Padding has p and q of 0, and finite log-ratios.
   *
   * @param prob p, which sums to 1
   * @param reference q
   * @param logRatio {@code log p - log q}
   * @param derivative out: {@code f'(w)}
   * @param curvature out: {@code w f''(w)}
   * @param scratch what one operation leaves to the next
   * @param wantsCurvature whether the curvature is read afterwards
   * @param referenceMass {@code sum q} per row: 1 but for the rounding of the stored reference
   */
  record RatioArrays(
      INDArray prob,
      INDArray reference,
      INDArray logRatio,
      INDArray derivative,
      INDArray curvature,
      INDArray scratch,
      boolean wantsCurvature,
      double[] referenceMass,
      RowReductions reductions) {}

  /**
   * What the gap reads and writes.
   *
   * @param prob p
   * @param reference q
   * @param logRatio {@code log p - log q}
   * @param distance {@code (max Q - Q + offset) / lambda}, at least 0: see {@code RowOptimum}
   * @param terms out
   * @param scratch five arrays
   */
  record GapArrays(
      INDArray prob,
      INDArray reference,
      INDArray logRatio,
      INDArray distance,
      INDArray terms,
      INDArray... scratch) {
    /** Float64 exponents are clamped to it, far beyond what a gap can show. */
    static final double EXPONENT = 600.0;
  }
}
