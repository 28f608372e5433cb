package dev.clipkl.engine.nd4j;

import java.util.HashMap;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
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
    INDArray partial =
        partialSums.computeIfAbsent(
            rows, n -> Nd4j.create(DataType.DOUBLE, (long) n * layout.chunks()));
    Nd4j.getExecutioner().exec(new Dot(chunks(x), chunks(y), partial, 1));
    double[] sums = new double[rows];
    double[] numbers = partial.data().asDouble();
    for (int row = 0; row < rows; row++) {
      for (int chunk = 0; chunk < layout.chunks(); chunk++) {
        sums[row] += numbers[row * layout.chunks() + chunk];
      }
    }
    return sums;
  }

  /**
   * Sets the padding to 0, where there is any.
   *
   * @param actions 1 for an action, 0 for padding
   */
  void clearPadding(INDArray x, INDArray actions) {
    if (layout.padded() > layout.columns()) {
      x.muli(actions);
    }
  }

  /** The chunks of all rows: {@code [rows chunks, chunkLength]}, a view. */
  private INDArray chunks(INDArray x) {
    return x.reshape((long) x.rows() * layout.chunks(), layout.chunkLength());
  }

  /** {@code max_a x_a} per row. */
  double[] largest(INDArray x) {
    INDArray chunks = chunks(x);
    double[] ofChunks = run(new Max(chunks, Nd4j.create(x.dataType(), chunks.rows()), 1));
    return overChunks(ofChunks, Math::max);
  }

  /** {@code min_a x_a} per row. */
  double[] least(INDArray x) {
    INDArray chunks = chunks(x);
    double[] ofChunks = run(new Min(chunks, Nd4j.create(x.dataType(), chunks.rows()), 1));
    return overChunks(ofChunks, Math::min);
  }

  private double[] overChunks(double[] ofChunks, DoubleBinaryOperator extreme) {
    double[] perRow = new double[ofChunks.length / layout.chunks()];
    for (int row = 0; row < perRow.length; row++) {
      perRow[row] = ofChunks[row * layout.chunks()];
      for (int chunk = 1; chunk < layout.chunks(); chunk++) {
        perRow[row] = extreme.applyAsDouble(perRow[row], ofChunks[row * layout.chunks() + chunk]);
      }
    }
    return perRow;
  }

  private static double[] run(ReduceOp op) {
    try (INDArray result = Nd4j.getExecutioner().exec(op)) {
      return result.data().asDouble();
    }
  }

  /** {@code max_a x_a - min_a x_a} per row. */
  double[] span(INDArray x) {
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
