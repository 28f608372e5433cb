package dev.clipkl.exact;

import java.util.Arrays;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/** Dense matrices of one row, written from their definitions, for comparison with O(V) results. */
final class DenseCurvature {
  private DenseCurvature() {}

  /** {@code H = diag(p) - p p^T}. */
  static RealMatrix softmaxJacobian(double[] p) {
    RealMatrix matrix = MatrixUtils.createRealDiagonalMatrix(p);
    for (int a = 0; a < p.length; a++) {
      for (int b = 0; b < p.length; b++) {
        matrix.addToEntry(a, b, -p[a] * p[b]);
      }
    }
    return matrix;
  }

  /** {@code H diag(c / p) H}. */
  static RealMatrix curvature(double[] p, double[] c) {
    double[] ratio = new double[p.length];
    for (int a = 0; a < p.length; a++) {
      ratio[a] = c[a] / p[a];
    }
    RealMatrix h = softmaxJacobian(p);
    return h.multiply(MatrixUtils.createRealDiagonalMatrix(ratio)).multiply(h);
  }

  /** {@code W^{-1/2} M W^{-1/2}}. */
  static RealMatrix scaled(RealMatrix matrix, double[] metric) {
    RealMatrix result = matrix.copy();
    for (int a = 0; a < metric.length; a++) {
      for (int b = 0; b < metric.length; b++) {
        result.multiplyEntry(a, b, 1.0 / Math.sqrt(metric[a] * metric[b]));
      }
    }
    return result;
  }

  /** Eigenvalues, ascending, of the symmetric part. */
  static double[] eigenvalues(RealMatrix matrix) {
    RealMatrix symmetric =
        new Array2DRowRealMatrix(matrix.add(matrix.transpose()).scalarMultiply(0.5).getData());
    double[] values = new EigenDecompositionSymmetric(symmetric, 1e-14, true).getEigenvalues();
    Arrays.sort(values);
    return values;
  }
}
