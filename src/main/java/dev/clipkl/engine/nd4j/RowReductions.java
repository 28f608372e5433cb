package dev.clipkl.engine.nd4j;

import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.impl.reduce.same.Max;
import org.nd4j.linalg.api.ops.impl.reduce.same.Min;
import org.nd4j.linalg.api.ops.impl.reduce3.Dot;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Sums and extremes along rows {@code [rows, padded]}, one number per row.
 *
 * <p>Sums are dot products of chunks: products in the arrays' own type, accumulated in float64
 * within a chunk by ND4J and over the chunks here, in order.
 */
final class RowReductions implements AutoCloseable {
  private final RowLayout layout;

  /** One number per chunk, by number of rows. */
  private final Map<Integer, INDArray> partialSums = new HashMap<>();

  RowReductions(RowLayout layout) {
    this.layout = layout;
  }

  /** {@code sum_a x_a y_a} per row. */
  double[] dot(INDArray x, INDArray y) {
    int rows = x.rows();
    int chunks = rows * layout.chunks();
    INDArray partial =
        partialSums.computeIfAbsent(rows, n -> Nd4j.create(DataType.DOUBLE, (long) chunks));
    Nd4j.getExecutioner()
        .exec(
            new Dot(
                x.reshape(chunks, layout.chunkLength()),
                y.reshape(chunks, layout.chunkLength()),
                partial,
                1));
    double[] sums = new double[rows];
    double[] numbers = partial.data().asDouble();
    for (int row = 0; row < rows; row++) {
      for (int chunk = 0; chunk < layout.chunks(); chunk++) {
        sums[row] += numbers[row * layout.chunks() + chunk];
      }
    }
    return sums;
  }

  /** {@code max_a x_a} per row. */
  static double[] largest(INDArray x) {
    return extreme(new Max(x, Nd4j.create(x.dataType(), x.rows()), 1));
  }

  /** {@code min_a x_a} per row. */
  static double[] least(INDArray x) {
    return extreme(new Min(x, Nd4j.create(x.dataType(), x.rows()), 1));
  }

  private static double[] extreme(ReduceOp op) {
    try (INDArray result = Nd4j.getExecutioner().exec(op)) {
      return result.data().asDouble();
    }
  }

  /** {@code max_a x_a - min_a x_a} per row. */
  static double[] span(INDArray x) {
    double[] span = largest(x);
    double[] least = least(x);
    for (int row = 0; row < span.length; row++) {
      span[row] -= least[row];
    }
    return span;
  }

  @Override
  public void close() {
    partialSums.values().forEach(INDArray::close);
    partialSums.clear();
  }
}
